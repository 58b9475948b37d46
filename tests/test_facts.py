"""The facts: every row has a source and a date, agrees with AWS's own model, and reads well."""

import datetime
import re
from fractions import Fraction
from html.parser import HTMLParser

import botocore.session
import pytest

from lambdalab import facts

TODAY = datetime.date(2026, 11, 20)

UNITS = {
    "%",
    "GB",
    "GB-seconds",
    "KB",
    "MB",
    "MBps",
    "Mbps",
    "USD per GB",
    "USD per GB-month",
    "USD per GB-second",
    "USD per hour",
    "USD per metric-month",
    "USD per million operations",
    "USD per million reads",
    "USD per million requests",
    "USD per million traces",
    "USD per unit-hour",
    "USD per vCPU-hour",
    "architectures",
    "attributes",
    "blocks",
    "bytes",
    "characters",
    "combinations",
    "concurrent executions",
    "connections",
    "days",
    "dimensions",
    "entries",
    "environments",
    "executions",
    "extensions",
    "file descriptors",
    "file systems",
    "filters",
    "headers",
    "hours",
    "items",
    "keys",
    "layers",
    "log groups",
    "mappings",
    "methods",
    "metrics",
    "minutes",
    "ms",
    "network interfaces",
    "operations",
    "origins",
    "outputs",
    "parameters",
    "pollers",
    "processes and threads",
    "records",
    "requests per second",
    "requests",
    "resources",
    "retries",
    "rows",
    "runtimes",
    "seconds",
    "security groups",
    "services and applications",
    "signing profiles",
    "subnets",
    "tags",
    "targets",
    "test events",
    "times per second",
    "traces",
    "vCPUs",
    "versions",
}

ADDRESS = re.compile(
    r"https://(docs\.aws\.amazon\.com|aws\.amazon\.com|github\.com)/[a-zA-Z0-9/._-]+"
)
SHAPE = re.compile(r"botocore service model 1\.44\.5, shape (\w+)")
WORDS = (
    SHAPE,
    re.compile(r"recorded AWS answers in LocalStack's snapshot tests of March 2026, .+"),
    re.compile(r"AWS runtime interface (client for Python 4\.2\.2|emulator, January 2026), .+"),
    re.compile(r"seen in several public reports(, 20\d\d (to|and) 20\d\d)?"),
    re.compile(r"AWS Price List API, Region us-east-1"),
    re.compile(r"words of Lambda Lab: no answer of AWS is on record"),
    re.compile(r"a figure of Lambda Lab: AWS does not publish it"),
)


def every_row():
    return [
        *facts.quotas(),
        *facts.prices(),
        *facts.messages(),
        *facts.runtimes(),
        *facts.variables(),
        *facts.services(),
        *facts.example_events(),
    ]


@pytest.fixture(scope="module")
def model():
    return botocore.session.get_session().get_service_model("lambda")


def public(source):
    """Whether a source is a public address, or known words whose addresses are public."""
    if not any(words.fullmatch(source) for words in WORDS):
        return ADDRESS.fullmatch(source) is not None
    return all(ADDRESS.fullmatch(address) for address in re.findall(r"\S*//\S+", source))


def test_every_row_has_a_public_source_and_a_date():
    rows = every_row()
    assert len(rows) > 400
    assert [(row.name, row.source) for row in rows if not public(row.source)] == []
    first = datetime.date(2026, 1, 1)
    assert [row.name for row in rows if not first <= row.checked <= TODAY] == []


def test_figures_without_a_unit_are_patterns_weights_and_days():
    bare = {fact.name for fact in (*facts.quotas(), *facts.prices()) if fact.unit is None}
    assert {name for name in bare if not re.search(r"pattern|weight|since", name)} == set()


def test_a_figure_with_a_date_says_what_it_was():
    for fact in (*facts.quotas(), *facts.prices()):
        if fact.since:
            assert re.fullmatch(r"20\d\d(-\d\d){0,2}", fact.since), fact
            assert fact.was is not None or not fact.verified, fact


def test_units_are_those_of_the_list():
    assert {fact.unit for fact in (*facts.quotas(), *facts.prices())} - {None} == UNITS


def named_shape(fact):
    match = SHAPE.fullmatch(fact.source)
    return match[1] if match else None


def in_shape(fact):
    """Whether the source of a figure is a shape that holds it as a bound."""
    shape = named_shape(fact)
    return shape is not None and not re.search(r"Request$|Response$", shape)


def test_bounds_agree_with_the_service_model(model):
    bounded = [fact for fact in facts.quotas() if in_shape(fact)]
    assert len(bounded) > 40
    for fact in bounded:
        bounds = model.shape_for(named_shape(fact)).metadata
        if fact.name.endswith("pattern"):
            assert fact.value == bounds["pattern"], fact
        else:
            bound = bounds["min" if fact.name.endswith("minimum") else "max"]
            assert (fact.bytes if fact.unit == "KB" else fact.value) == bound, fact


def test_figures_told_in_the_prose_of_the_model(model):
    invoke = model.operation_model("Invoke")
    create = model.operation_model("CreateFunction").input_shape.members
    context = invoke.input_shape.members["ClientContext"].documentation
    tail = invoke.output_shape.members["LogResult"].documentation
    assert f"{facts.quota('payload.client-context').value:,} bytes" in context
    assert f"last {facts.quota('payload.log-tail')}" in tail
    name = create["FunctionName"].documentation
    assert f"limited to {facts.quota('function.name')} in length" in name
    timeout = create["Timeout"].documentation
    assert f"default is {facts.quota('timeout.default')}" in timeout
    assert f"maximum allowed value is {facts.quota('timeout.maximum')}" in timeout
    memory = create["MemorySize"].documentation
    assert f"default value is {facts.quota('memory.default')}" in memory
    assert f"any multiple of {facts.quota('memory.step')}" in memory


def test_every_shape_that_a_message_names_exists(model):
    for message in facts.messages():
        if named_shape(message):
            bounds = model.shape_for(named_shape(message)).metadata
            assert message.text.endswith(str(bounds["min"]))


def test_every_runtime_of_the_model_has_its_dates(model):
    # "custom" stands for runtimes that customers manage, dotnet9 lives in images only.
    offered = set(model.shape_for("Runtime").enum) - {"custom"}
    assert {runtime.name for runtime in facts.runtimes()} == offered | {"dotnet9"}


# A few first runtimes were refused before their support ended.
OLD = {"nodejs", "nodejs4.3", "nodejs4.3-edge", "nodejs6.10", "nodejs8.10", "dotnetcore2.0"}


def test_dates_of_a_runtime_follow_one_another():
    for runtime in facts.runtimes():
        assert runtime.preview == (runtime.deprecation is None), runtime
        assert (runtime.block_create is None) == (runtime.block_update is None), runtime
        if runtime.block_create and runtime.name not in OLD:
            assert runtime.deprecation <= runtime.block_create < runtime.block_update, runtime


def test_life_of_a_runtime_by_its_dates():
    day = datetime.date(2026, 11, 20)
    supported = {runtime.name for runtime in facts.runtimes() if not runtime.deprecated(day)}
    assert {"python3.11", "python3.14", "nodejs22.x", "java21", "provided.al2023"} <= supported
    assert supported.isdisjoint({"python3.10", "nodejs20.x", "dotnet8", "go1.x", "provided.al2"})
    late = {
        runtime.name
        for runtime in facts.runtimes()
        if runtime.deprecated(day) and runtime.creatable(day)
    }
    assert late == {
        *("nodejs16.x", "nodejs18.x", "nodejs20.x", "python3.8", "python3.9", "python3.10"),
        *("ruby3.2", "dotnet6", "dotnet8", "provided.al2"),
    }
    only_update = {
        runtime.name
        for runtime in facts.runtimes()
        if not runtime.creatable(day) and runtime.updatable(day) and not runtime.image_only
    }
    assert only_update == {"nodejs14.x", "python3.7", "ruby2.7", "java8", "go1.x", "provided"}


def test_a_runtime_is_refused_from_its_block_date_on():
    python = facts.runtime("python3.10")
    assert python.creatable(datetime.date(2027, 1, 31))
    assert not python.creatable(datetime.date(2027, 2, 1))
    assert python.updatable(datetime.date(2027, 3, 2))
    assert not python.updatable(datetime.date(2027, 3, 3))
    assert python.deprecated(datetime.date(2026, 10, 31))
    assert not python.deprecated(datetime.date(2026, 10, 30))
    assert not facts.runtime("dotnet9").creatable(datetime.date(2026, 1, 1))
    assert facts.runtime("python3.15").creatable(TODAY)


def monthly(*, requests, ms, mb, free):
    """The bill of a month on x86_64, as the price page reckons it."""
    gb_seconds = requests * ms / 1000 * mb / 1024
    if free:
        gb_seconds -= facts.price("free-tier.duration").value
        requests -= facts.price("free-tier.requests").value
    duration = gb_seconds * facts.price("duration.x86_64").value
    return round(duration + requests / 1e6 * facts.price("requests.standard").value, 2)


def test_the_bill_of_three_million_requests():
    assert monthly(requests=3_000_000, ms=120, mb=1536, free=True) == 2.73
    assert monthly(requests=3_000_000, ms=120, mb=1536, free=False) == 9.60


def test_the_free_tier_in_seconds():
    seconds = facts.price("free-tier.duration").value * 1024
    assert seconds / facts.quota("memory.minimum").value == 3_200_000
    assert seconds / 1024 == 400_000


@pytest.mark.parametrize("architecture", ["x86_64", "arm64"])
def test_price_tiers_take_a_tenth_and_a_fifth_off(architecture):
    first = facts.price(f"duration.{architecture}").value
    for tier, share in (("2", 0.9), ("3", 0.8)):
        price = facts.price(f"duration-tier-{tier}.{architecture}").value
        assert price == pytest.approx(first * share, rel=1e-4)
    until = [facts.price(f"tier-{tier}-until.{architecture}").value for tier in "12"]
    assert Fraction(until[1], until[0]) == Fraction(5, 2)


def test_arm_costs_four_fifths_of_x86():
    for name in ("duration", "provisioned", "provisioned-duration", "tenant-isolation"):
        arm, x86 = (facts.price(f"{name}.{architecture}") for architecture in ("arm64", "x86_64"))
        assert arm.value == pytest.approx(x86.value * 0.8, rel=1e-3)


def test_sizes_are_powers_of_1024():
    assert facts.quota("payload.synchronous-request").bytes == 6_291_456
    assert facts.quota("payload.asynchronous").bytes == 1_048_576
    assert facts.quota("package.unzipped").bytes == 262_144_000
    assert facts.quota("package.zip-upload").bytes == 52_428_800
    assert facts.quota("environment.maximum").bytes == 4096
    assert facts.quota("package.request").bytes == 70_167_211


@pytest.mark.parametrize(
    ("message", "quota"),
    [
        ("package.zip-too-large", "package.zip-upload"),
        ("package.unzipped-too-large", "package.unzipped"),
        ("package.with-layers-too-large", "package.unzipped"),
        ("package.request-too-large", "package.request"),
        ("payload.synchronous-too-large", "payload.synchronous-request"),
        ("payload.asynchronous-too-large", "payload.asynchronous"),
        ("policy.too-long", "function.policy"),
    ],
)
def test_messages_print_the_quota_in_bytes(message, quota):
    assert re.search(rf"\b{facts.quota(quota).bytes}\b", facts.message(message).text)


@pytest.mark.parametrize(
    ("message", "quota"),
    [
        ("configuration.memory-above-maximum", "memory.maximum"),
        ("configuration.memory-below-minimum", "memory.minimum"),
        ("configuration.memory-above-new-account", "memory.new-account-maximum"),
        ("configuration.timeout-above-maximum", "timeout.maximum"),
        ("layers.too-many", "layers.per-function"),
        ("function.name-too-long", "function.name"),
        ("alias.two-additional-versions", "alias.additional-versions"),
        ("environment.too-large", "environment.maximum"),
    ],
)
def test_messages_print_the_quota(message, quota):
    assert re.search(rf"\b{facts.quota(quota).value}(\b|KB)", facts.message(message).text)


def test_the_earlier_wording_prints_the_earlier_quota():
    assert facts.quota("payload.asynchronous").earlier == "256 KB"
    assert "262144" in facts.message("payload.asynchronous-too-large").was


def test_the_message_about_a_role_prints_the_pattern_of_the_model(model):
    pattern = model.shape_for("RoleArn").metadata["pattern"]
    text = facts.message("role.bad-arn").format(value="r1")
    assert text == (
        "1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {pattern}"
    )


def test_every_message_fills_all_of_its_gaps():
    for message in facts.messages():
        filled = message.format(**{field: f"<{field}>" for field in message.fields})
        assert filled.replace("<", "{").replace(">", "}") == message.text
        assert ("{" in message.text) == bool(message.fields) or message.name == "role.bad-arn"
        assert not message.text.endswith("\n"), message


def modelled_status(model, code):
    names = {code, code.replace("RequestEntityTooLarge", "RequestTooLarge")}
    shapes = [shape for shape in model.error_shapes if shape.name in names]
    return [shape.metadata["error"]["httpStatusCode"] for shape in shapes]


# Codes that the front layer or another service sends; the model does not know them.
NOT_MODELLED = {
    None,  # web addresses answer without a code
    "ValidationException",
    "AccessDenied",
    "InvalidSignatureException",
    "TooManyTargets",
    "AccessDeniedException",
    "InvalidArgument",
    "InvalidConfigurationRequest",
    "InvalidParameter",
}


# What other APIs answer; tests/test_code_deploy.py compares those of CodeDeploy with its model.
NOT_LAMBDA = (
    "runtime-api.", "stack.", "template.", "deployment.",
    "events.", "scheduler.", "sns.", "logs.", "insights.", "metric.", "alarm.", "firehose.",
    "serialization.",
    "workflow.", "user-pool.", "secret.", "rest-api.", "rest-api-control.",
    "http-api-control.", "elb.",
    "auto-scaling.",
)  # fmt: skip


def test_status_and_code_agree_with_the_service_model(model):
    for message in facts.messages():
        if message.status is None:
            assert message.code is None, message
        elif message.status == 200:
            error_type = r"(Runtime|Function|Sandbox)\.\w+"
            assert message.code is None or re.fullmatch(error_type, message.code), message
        elif message.code not in NOT_MODELLED and not message.name.startswith(NOT_LAMBDA):
            assert modelled_status(model, message.code) == [message.status], message


def test_a_message_says_which_gaps_it_has():
    timeout = facts.message("timeout")
    assert timeout.format(seconds="3.00") == "Task timed out after 3.00 seconds"
    with pytest.raises(ValueError, match=r"^message timeout has the gaps \[seconds\].*\[\]$"):
        timeout.format()
    with pytest.raises(ValueError, match=r"\[seconds, minutes\]"):
        timeout.format(seconds=3, minutes=0)


def test_braces_of_filled_in_text_stay():
    text = facts.message("environment.too-large").format(json='{"keys":"{x}"}')
    assert text.endswith('String measured: {"keys":"{x}"}')


def test_log_lines_are_separated_by_tabs():
    report = facts.message("log.report").format(
        request_id="r", duration="2.90", billed=3, memory=128, used=36
    )
    assert report.split("\t") == [
        "REPORT RequestId: r",
        "Duration: 2.90 ms",
        "Billed Duration: 3 ms",
        "Memory Size: 128 MB",
        "Max Memory Used: 36 MB",
        "",
    ]


def test_figures_print_as_one_writes_them():
    written = {
        "memory.maximum": "10,240 MB",
        "timeout.minimum": "1 second",
        "concurrency.per-environment": "1 request",
        "rate.control-plane": "15 requests per second",
        "init.cold-start-share": "1%",
        "shutdown.without-extensions": "0 ms",
        "alias.weight-maximum": "1.0",
        "file-system.per-function": "1 file system",
        "environment.name-pattern": "[a-zA-Z]([a-zA-Z0-9_])+",
    }
    assert {name: str(facts.quota(name)) for name in written} == written


def test_prices_print_without_exponents():
    assert str(facts.price("tmp.extra")) == "0.0000000309 USD per GB-second"
    assert str(facts.price("requests.standard")) == "0.20 USD per million requests"
    assert str(facts.price("duration.step")) == "1 ms"


def test_a_fact_converts_within_sizes_and_within_times():
    assert str(facts.quota("timeout.maximum").to("minutes")) == "15 minutes"
    assert facts.quota("timeout.maximum").to("hours").value == 0.25
    assert facts.quota("init.cold-start-shortest").seconds == 0.1
    with pytest.raises(ValueError, match=r"^memory\.maximum is in MB, which cannot be told"):
        _ = facts.quota("memory.maximum").seconds
    with pytest.raises(ValueError, match=r"alias\.weight-maximum"):
        facts.quota("alias.weight-maximum").to("MB")


class Text(HTMLParser):
    """Text and links of a piece of HTML."""

    def __init__(self, html):
        super().__init__()
        self.text, self.links, self.open = "", [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.open.append(tag)
        self.links += [value for name, value in attrs if name == "href"]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def test_html_shows_value_source_and_doubt():
    for row in (*facts.quotas(), *facts.prices(), *facts.messages()):
        page = Text(row._repr_html_())
        assert page.open == [], row
        assert str(row) in page.text, row
        assert row.source in page.text, row
        assert page.links == re.findall(r"https://\S+", row.source), row
        assert ("Not verified" in page.text) == (not row.verified), row


def test_html_tells_the_dated_figure():
    text = Text(facts.quota("package.code-storage")._repr_html_()).text
    assert "300 GB" in text
    assert "Older material: 75 GB (until 2026)." in text


def test_an_unknown_name_is_told_in_one_line_with_the_nearest():
    with pytest.raises(KeyError) as caught:
        facts.quota("memory.max")
    assert str(caught.value).startswith("there is no quota named 'memory.max'; nearest: memory.max")
    assert "\n" not in str(caught.value)
    for ask in (facts.price, facts.runtime, facts.message):
        with pytest.raises(facts.UnknownFactError, match=r"^there is no \w+ named '\?'$"):
            ask("?")


def test_facts_cannot_be_changed():
    with pytest.raises(AttributeError):
        facts.quota("memory.maximum").value = 1


def test_reserved_variables_are_those_of_the_guide():
    reserved = set(facts.reserved_variables())
    assert len(reserved) == len(facts.reserved_variables()) == 21
    assert {"AWS_REGION", "_HANDLER", "LAMBDA_TASK_ROOT", "AWS_SESSION_TOKEN"} <= reserved
    assert reserved.isdisjoint({"TZ", "PATH", "LANG", "PYTHONPATH", "AWS_LAMBDA_LOG_LEVEL"})


def test_variables_hidden_from_extensions():
    hidden = {variable.name for variable in facts.variables() if variable.hidden}
    assert hidden == {
        *("AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"),
        *("AWS_XRAY_CONTEXT_MISSING", "AWS_XRAY_DAEMON_ADDRESS", "_AWS_XRAY_DAEMON_ADDRESS"),
        *("_AWS_XRAY_DAEMON_PORT", "LAMBDA_RUNTIME_DIR", "LAMBDA_TASK_ROOT", "_HANDLER"),
    }


def test_names_are_unique_and_written_alike():
    for rows in (facts.quotas(), facts.prices(), facts.messages()):
        names = [row.name for row in rows]
        assert len(set(names)) == len(names)
        assert all(re.fullmatch(r"[a-z0-9_-]+(\.[a-z0-9_-]+)?", name) for name in names)


def test_no_message_stands_twice_under_one_code():
    seen = {}
    for message in facts.messages():
        key = (message.text, message.status, message.code)
        assert key not in seen, f"{message.name} repeats {seen.get(key)}"
        seen[key] = message.name
