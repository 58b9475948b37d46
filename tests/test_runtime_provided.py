"""OS-only runtimes: the function's own ``bootstrap``, as a script and as a compiled program."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import tomllib
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import invoke, refusal

MakeFunction = Callable[..., str]

ROWS = tomllib.loads((Path(__file__).parent / "rows" / "entrypoints.toml").read_text())
# A runtime in bash alone, over the shell's own sockets.
BASH = r"""#!/bin/bash
host=${AWS_LAMBDA_RUNTIME_API%:*} port=${AWS_LAMBDA_RUNTIME_API#*:}
call() {
  exec 4<>"/dev/tcp/$host/$port"
  printf '%s /2018-06-01/runtime%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n' "$1" "$2" >&4
  printf 'Content-Length: %s\r\n\r\n%s' "${#3}" "$3" >&4
  answer=$(cat <&4); exec 4>&-
}
call_count=0
while true; do
  call GET /invocation/next ""
  id=$(sed -n 's/^Lambda-Runtime-Aws-Request-Id: \([0-9a-f-]*\).*/\1/p' <<<"$answer")
  event=$(tail -n 1 <<<"$answer")
  call_count=$((call_count + 1))
  echo "handled $event"
  result="{\"event\": $event, \"handler\": \"$_HANDLER\", \"n\": $call_count}"
  call POST "/invocation/$id/response" "$result"
done
"""
C = r"""
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
static char text[65536];
static void call(const char *method, const char *path, const char *body) {
  char *api = strdup(getenv("AWS_LAMBDA_RUNTIME_API")), *port = strchr(api, ':');
  *port++ = 0;
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(atoi(port))};
  inet_pton(AF_INET, api, &to.sin_addr);
  int s = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(s, (struct sockaddr *)&to, sizeof to)) exit(9);
  dprintf(s, "%s /2018-06-01/runtime%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
             "Content-Length: %zu\r\n\r\n%s", method, path, strlen(body), body);
  size_t n = 0; ssize_t r;
  while ((r = read(s, text + n, sizeof text - 1 - n)) > 0) n += r;
  text[n] = 0; close(s); free(api);
}
int main(void) {
  for (;;) {
    call("GET", "/invocation/next", "");
    char id[64], path[128];
    sscanf(strstr(text, "Aws-Request-Id: ") + 16, "%36s", id);
    snprintf(path, sizeof path, "/invocation/%s/response", id);
    call("POST", path, "\"compiled\"");
  }
}
"""


def archive(name: str, content: bytes, mode: int = 0o755) -> bytes:
    """A zip file with one member of that mode."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        member = zipfile.ZipInfo(name)
        member.create_system = 3
        member.external_attr = (0o100000 | mode) << 16
        file.writestr(member, content)
    return made.getvalue()


@pytest.fixture
def own(make_function: MakeFunction) -> Callable[..., str]:
    """Create a function with an own runtime from the bytes of its ``bootstrap``."""

    def make(content: bytes, mode: int = 0o755, name: str = "bootstrap", **settings: Any) -> str:
        code = {"ZipFile": archive(name, content, mode)}
        wanted = {"Runtime": "provided.al2023", "Handler": "any.thing", "Timeout": 10, "Code": code}
        return make_function("", **(wanted | settings))

    return make


Own = Callable[..., str]


@pytest.mark.parametrize("runtime", ["provided.al2023", "provided.al2"])
def test_a_bootstrap_in_bash_takes_events(runtime: str, own: Own, lam: Any) -> None:
    name = own(BASH.encode(), Runtime=runtime)
    first, second = invoke(lam, name, {"a": "é"}), invoke(lam, name, 2)
    assert first.value == {"event": {"a": "é"}, "handler": "any.thing", "n": 1}
    assert (second.value["n"], second.error) == (2, None)
    assert "handled 2" in second.log.splitlines()


@pytest.mark.skipif(shutil.which("gcc") is None, reason="this machine has no C compiler")
def test_a_compiled_bootstrap_takes_events(own: Own, lam: Any, tmp_path: Path) -> None:
    source = tmp_path / "own.c"
    source.write_text(C)
    program = tmp_path / "own"
    subprocess.run(["gcc", "-O1", "-o", program, source], check=True, capture_output=True)
    assert invoke(lam, own(program.read_bytes())).value == "compiled"


def test_a_bootstrap_may_come_from_a_layer(own: Own, lam: Any) -> None:
    layer = lam.publish_layer_version(
        LayerName="runtime", Content={"ZipFile": archive("bootstrap", BASH.encode())}
    )["LayerVersionArn"]
    name = own(b"text", 0o644, "data.txt", Layers=[layer])
    assert invoke(lam, name, 5).value["event"] == 5


def test_the_function_s_own_bootstrap_goes_before_a_layer_s(own: Own, lam: Any) -> None:
    layer = lam.publish_layer_version(
        LayerName="other", Content={"ZipFile": archive("bootstrap", b"#!/bin/sh\nexit 3\n")}
    )["LayerVersionArn"]
    assert invoke(lam, own(BASH.encode(), Layers=[layer]), 5).value["event"] == 5


def test_a_bootstrap_sees_the_variables_of_an_os_only_runtime(own: Own, lam: Any) -> None:
    names = r"\"$(env | cut -d= -f1 | sort | tr '\n' ' ')\""
    script = re.sub(r"result=.*", lambda _: f'result="{names}"', BASH)
    assert script != BASH
    seen = set(invoke(lam, own(script.encode())).value.split())
    wanted = {"AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "_HANDLER", "PATH", "AWS_REGION"}
    assert wanted <= seen
    assert not {"AWS_EXECUTION_ENV", "_X_AMZN_TRACE_ID", "PYTHONPATH", "NODE_PATH"} & seen


def test_a_bootstrap_starts_with_signals_as_the_system_has_them(own: Own, lam: Any) -> None:
    # A shell's pipe ends its writer by a signal, which Python ignores for itself.
    script = "#!/bin/bash\nyes | head -n 1\necho status ${PIPESTATUS[0]}\nexit 1\n"
    assert "status 141" in invoke(lam, own(script.encode())).log.splitlines()


def test_each_attempt_at_an_event_has_an_id_of_its_own(lab: Lab, own: Own, lam: Any) -> None:
    tells = "Lambda-Runtime-(Aws-Request|Invocation)-Id"
    fails = BASH.replace('echo "handled $event"', f'grep -oiE "^{tells}: [0-9a-f-]+" <<<"$answer"')
    name = own(fails.replace("/response", "/error").encode())
    lam.invoke(FunctionName=name, InvocationType="Event", Payload=b"1")
    lab.clock.run_until_idle()
    found = re.findall(f"{tells}: (.+)", "\n".join(lab.tail(name, 100).lines), re.IGNORECASE)
    requests = [value for kind, value in found if kind.lower() == "aws-request"]
    attempts = [value for kind, value in found if kind.lower() == "invocation"]
    assert len(requests) == len(attempts) == 3
    assert (len(set(requests)), len(set(attempts))) == (1, 3)


def test_a_bootstrap_that_ends_is_told_by_its_status(own: Own, lam: Any) -> None:
    answer = invoke(lam, own(b"#!/bin/sh\necho going\nexit 7\n"))
    assert answer.value == {
        "errorType": "Runtime.ExitError",
        "errorMessage": f"RequestId: {answer.request_id} Error: "
        "Runtime exited with error: exit status 7",
    }
    assert "going" in answer.log.splitlines()


@pytest.mark.parametrize("row", ROWS)
def test_what_cannot_be_started_is_told_as_aws_words_it(row: str, own: Own, lam: Any) -> None:
    given = ROWS[row]
    content = given.get("content", "").encode()
    if "elf" in given:  # the head of a program for another machine
        machine = given["elf"].to_bytes(2, "little")
        content = b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00" + machine + bytes(44)
    layers = []
    if given.get("place") == "layer":
        made = archive("bootstrap", content, given["mode"])
        published = lam.publish_layer_version(LayerName="broken", Content={"ZipFile": made})
        layers, place = [published["LayerVersionArn"]], None
    else:
        place = given.get("place")
    if place is None:
        name = own(b"text", 0o644, "data.txt", Layers=layers)
    else:
        name = own(content, given["mode"])
    answer = invoke(lam, name)
    assert answer.error == "Unhandled"
    assert answer.value == {
        "errorType": "Runtime.InvalidEntrypoint",
        "errorMessage": f"RequestId: {answer.request_id} Error: {given['message']}",
    }
    lines = [line for line in answer.log.splitlines() if line.startswith("INIT_REPORT")]
    assert len(lines) == 2
    assert all(line.endswith("Error Type: Runtime.InvalidEntrypoint") for line in lines)


# ---- what the lab does not run


@pytest.mark.parametrize("runtime", ["java21", "dotnet8", "ruby3.4"])
def test_other_runtimes_are_created_and_refuse_to_run(
    runtime: str, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function({"app": "x"}, Runtime=runtime, Handler="app.Handler::run")
    refused = refusal(lam.invoke, FunctionName=name)
    assert (refused.status, refused.code) == (502, "InvalidRuntimeException")
    assert f"Lambda Lab does not run {runtime}:" in refused.message
    assert "\n" not in refused.message


def test_container_images_say_what_to_do_instead(lab: Lab, lam: Any, role: str) -> None:
    ecr = lab.client("ecr")
    ecr.create_repository(repositoryName="app")
    manifest = '{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", '
    manifest += '"config": {"digest": "sha256:00", "size": 1}, "layers": []}'
    ecr.put_image(repositoryName="app", imageManifest=manifest, imageTag="1")
    uri = "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:1"
    lam.create_function(
        FunctionName="image", PackageType="Image", Code={"ImageUri": uri}, Role=role
    )
    lam.get_waiter("function_active_v2").wait(FunctionName="image", WaiterConfig={"Delay": 1})
    refused = refusal(lam.invoke, FunctionName="image")
    assert (refused.status, refused.code) == (502, "InvalidRuntimeException")
    assert "zip file" in refused.message
