"""Request rates: AWS's, for who asks for them, and none for everybody else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from lambdalab import Lab, cli, start
from lambdalab.lab.errors import ArgumentError
from lambdalab.lab.settings import Settings
from tests.api_rows import send

NO_RETRIES = Config(retries={"total_max_attempts": 1})


@pytest.fixture(scope="module")
def rated_lab() -> Iterator[Lab]:
    """A lab that counts calls and whose time all but stands still: no allowance comes by itself."""
    with start(export=False, rates=True, speed=0.0001) as lab:
        yield lab


@pytest.fixture
def rated(rated_lab: Lab) -> Any:
    rated_lab.reset()
    return rated_lab.client("lambda", config=NO_RETRIES)


def passed(call: Callable[..., Any], most: int = 200, **given: Any) -> int:
    """How many calls pass until one is refused for their number."""
    for count in range(most):
        try:
            call(**given)
        except ClientError as error:
            if error.response["Error"]["Code"] == "TooManyRequestsException":
                return count
    return most


def test_calls_that_come_too_fast_are_refused_in_the_words_of_aws(rated: Any) -> None:
    assert passed(rated.list_functions) == 15
    answer = send(rated, "list_functions", {})
    assert (answer.status, answer.code) == (429, "TooManyRequestsException")
    assert answer.body == {
        "Reason": "CallerRateLimitExceeded",
        "Type": "User",
        "message": "Rate exceeded",
    }


def test_operations_share_one_allowance_but_for_those_with_their_own(rated: Any) -> None:
    for _ in range(5):
        rated.list_functions()
        rated.get_account_settings()
    assert passed(rated.list_layers) == 5
    assert passed(rated.get_function, FunctionName="fn") == 100
    assert passed(rated.get_policy, FunctionName="fn") == 15
    assert passed(rated.get_function_configuration, FunctionName="fn") == 0


def test_what_is_refused_for_other_reasons_counts(rated: Any) -> None:
    assert passed(rated.create_function, FunctionName="x y", Role="r", Code={}) == 15


def test_invocations_do_not_count(rated: Any) -> None:
    assert passed(rated.list_functions) == 15
    assert passed(rated.invoke, most=40, FunctionName="fn") == 40


def test_an_allowance_comes_back_with_time_and_never_grows_beyond_a_second(
    rated_lab: Lab, rated: Any
) -> None:
    assert passed(rated.list_functions) == 15
    rated_lab.clock.advance(seconds=0.21)
    assert passed(rated.list_functions) == 3
    assert passed(rated.list_functions) == 0
    rated_lab.clock.advance(hours=1)
    assert passed(rated.list_functions) == 15


def test_each_region_has_its_own_allowance_and_a_reset_fills_them(
    rated_lab: Lab, rated: Any
) -> None:
    abroad = rated_lab.client("lambda", region_name="eu-west-1", config=NO_RETRIES)
    assert passed(rated.list_functions) == passed(abroad.list_functions) == 15
    rated_lab.reset()
    assert passed(rated.list_functions) == 15


def test_other_services_have_no_part_in_it(rated_lab: Lab, rated: Any) -> None:
    assert passed(rated.list_functions) == 15
    iam = rated_lab.client("iam", config=NO_RETRIES)
    assert passed(iam.list_roles, most=20) == 20


def test_nothing_is_counted_unless_it_is_asked_for(lam: Any) -> None:
    assert passed(lam.list_functions, most=120) == 120


def test_the_command_has_the_option_too() -> None:
    read = cli._parser().parse_args
    assert (read(["serve"]).rates, read(["serve", "--rates"]).rates) == (False, True)
    assert (Settings().as_json()["rates"], Settings(rates=True).as_json()["rates"]) == (False, True)


def test_rates_are_asked_for_or_not() -> None:
    with pytest.raises(ArgumentError, match=r"rates is True or False, not 15"):
        start(export=False, rates=15)  # type: ignore[arg-type]
