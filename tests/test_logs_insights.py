"""Logs Insights: the query language, the fields that it discovers, and the operations."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lambdalab import facts
from lambdalab.insights import Event, QueryError, read
from tests.engine import refusal

START = 1_795_000_020_000
IDS = [f"11111111-1111-1111-1111-{n:012}" for n in range(9)]
REPORT = (
    "REPORT RequestId: {id}\tDuration: {ms:.2f} ms\tBilled Duration: {billed} ms\t"
    "Memory Size: 128 MB\tMax Memory Used: 36 MB\t{init}\n"
)
INIT = "Init Duration: 110.10 ms\t"


def event(number, seconds, message, stream="one"):
    return Event(
        str(number), START + int(seconds * 1000), START, message, stream, "1:/aws/lambda/f"
    )


def report(number):
    """The reports of six runs, each 20 seconds after the one before; the first is a cold start."""
    init = "" if number else INIT
    message = REPORT.format(id=IDS[number], ms=10 * number + 1.5, billed=10 * number + 2, init=init)
    return event(number, 20 * number, message)


REPORTS = [report(number) for number in range(6)]
OTHERS = [
    event(10, 1, f"START RequestId: {IDS[0]} Version: $LATEST\n"),
    event(11, 2, '{"level": "ERROR", "order": {"id": 7, "tags": ["a", "b"]}, "seconds": "1.5"}\n'),
    event(12, 3, 'sent {"level": "INFO", "order": {"id": 8}} twice\n', "two"),
    event(13, 4, f"[INFO]\t2026-11-18T10:00:00.000Z\t{IDS[3]}\tuser=Ada, id=42, from=home\n"),
    event(14, 5, "{not JSON\n"),
]
EVENTS = [*REPORTS, *OTHERS]


def run(query, events=EVENTS):
    return [dict(row) for row in read(query).run(events).rows]


def values(query, field, events=EVENTS):
    return [row.get(field) for row in run(query, events)]


def test_the_newest_event_comes_first_with_its_time_and_a_pointer():
    rows = run("fields @timestamp, @message | limit 2")
    assert [row["@ptr"] for row in rows] == ["5", "4"]
    assert rows[0]["@timestamp"] == "2026-11-18 11:08:40.000"
    assert rows[0]["@message"] == REPORTS[5].message.rstrip("\n")


def test_a_query_without_fields_shows_time_and_message():
    assert list(run('filter @type = "START"')[0]) == ["@timestamp", "@message", "@ptr"]


def test_fields_of_a_report_are_discovered():
    names = "@requestId, @duration, @billedDuration, @memorySize, @maxMemoryUsed, @initDuration"
    (row,) = run(f'fields {names} | filter @type = "REPORT" and ispresent(@initDuration)')
    del row["@ptr"]
    assert row == {
        "@requestId": IDS[0],
        "@duration": "1.5",
        "@billedDuration": "2",
        "@memorySize": "128000000",
        "@maxMemoryUsed": "36000000",
        "@initDuration": "110.1",
    }


def test_a_logged_line_tells_its_request():
    assert values('fields @requestId | filter @message like "user="', "@requestId") == [IDS[3]]


CHOSEN = {
    'filter level = "ERROR"': ["11"],
    "filter order.id >= 7": ["12", "11"],
    'filter order.tags.1 = "b"': ["11"],
    "filter seconds > 1.4 and seconds < 1.6": ["11"],
    'filter level in ["ERROR", "INFO"]': ["12", "11"],
    'filter level not in ["ERROR"] and ispresent(level)': ["12"],
    "filter @message like /(?i)USER=/": ["13"],
    'filter @message like "user="': ["13"],
    "filter @message =~ /us.r/": ["13"],
    'filter @type = "REPORT" and @duration > 40': ["5", "4"],
    'filter @type = "REPORT" and not (@duration > 10)': ["0"],
    'filter @type = "START" or @duration = 51.5': ["5", "10"],
    'filter @logStream = "two"': ["12"],
    "filter @duration * 2 + 1 = 4": ["0"],
    "filter (@billedDuration - 2) / 10 = 3 # three": ["3"],
    "filter @billedDuration % 20 = 2 and @duration > 30": ["4"],
    'FILTER @type = "START"': ["10"],
    'filter strcontains(@message, "twice")': ["12"],
    "filter isempty(@type) and ispresent(level) | sort order.id asc": ["11", "12"],
    'filter @type = "REPORT" | sort @duration asc | limit 2': ["0", "1"],
    "filter ispresent(level) | sort level desc, @timestamp asc": ["12", "11"],
    "filter ispresent(level) | dedup level": ["12", "11"],
    "filter ispresent(@logStream) | dedup @logStream": ["5", "12"],
    'filter @type != "REPORT" and `order.id` = 8': ["12"],
    "filter missing > 3": [],
    # Of AWS's sample queries: flags within an expression, and addresses.
    "filter @message =~ /^(?i)SENT/": ["12"],
    'filter isIpv4InSubnet("192.0.2.7", "192.0.2.0/24") and ispresent(level)': ["12", "11"],
    'filter isIpv4InSubnet(@message, "192.0.2.0/24") or isValidIpv6("::1") = 0': [],
}


@pytest.mark.parametrize("query", CHOSEN)
def test_a_filter_keeps(query):
    assert values(query, "@ptr") == CHOSEN[query]


MADE = {
    'parse @message "user=*, id=*, from=*" as who, id, place | filter id > 5': {
        "who": "Ada", "id": "42", "place": "home",
    },
    "parse @message /user=(?<who>[A-Z][a-z]+), id=(?<id>\\d+)/ | filter id = 42": {
        "who": "Ada", "id": "42",
    },
    'parse "id=*," as id | filter ispresent(id)': {"id": "42"},
    "filter level = 'ERROR' | fields order.id * 2 as double, level": {
        "double": "14", "level": "ERROR",
    },
    "filter level = 'ERROR' | fields order.id, level | display level": {"level": "ERROR"},
    "filter @type='START' | fields strlen(@type) as n, tolower(@type) as l, substr(@type,2) as s": {
        "n": "5", "l": "start", "s": "ART",
    },
    "filter @type='START' | fields concat(@type,'-',@logStream) as c,replace(@type,'T','x') as r": {
        "c": "START-one", "r": "SxARx",
    },
    "filter @type='START' | fields coalesce(none, @type) as c, trim(' a ') as t, abs(-3) as a": {
        "c": "START", "t": "a", "a": "3",
    },
    "filter @type='START' | fields floor(7/2) as f, ceil(3.2) as c, 2^3 as p, greatest(1,9) as g": {
        "f": "3", "c": "4", "p": "8", "g": "9",
    },
    "filter @type='START' | fields bin(1m) as b, datefloor(@timestamp, 1h) as h": {
        "b": "2026-11-18 11:07:00.000", "h": "2026-11-18 11:00:00.000",
    },
    "filter @type='START' | fields 1 / 0 as nothing, toMillis(@timestamp) as ms": {
        "ms": str(START + 1000),
    },
}  # fmt: skip


@pytest.mark.parametrize("query", MADE)
def test_fields_are_made(query):
    (row,) = run(query)
    del row["@ptr"]
    assert row == MADE[query]


COUNTED = {
    "stats count(*)": [{"count(*)": "11"}],
    "stats count(*) as n, count(level) as levels, count_distinct(@type) as types": [
        {"n": "11", "levels": "2", "types": "2"}
    ],
    "filter @type='REPORT' | stats min(@duration) as a, max(@duration) as b, avg(@duration) as c": [
        {"a": "1.5", "b": "51.5", "c": "26.5"}
    ],
    "stats sum(@billedDuration) / 1000 as seconds": [{"seconds": "0.162"}],
    "stats pct(@duration, 50) as p50, pct(@duration, 99) as p99, median(@duration) as m": [
        {"p50": "21.5", "p99": "51.5", "m": "26.5"}
    ],
    "filter @type = 'REPORT' | stats count(*) as n by bin(1m) | sort n asc, bin(1m) asc": [
        {"bin(1m)": "2026-11-18 11:07:00.000", "n": "3"},
        {"bin(1m)": "2026-11-18 11:08:00.000", "n": "3"},
    ],
    "stats count(*) as n by @logStream as where | sort where": [
        {"where": "one", "n": "10"},
        {"where": "two", "n": "1"},
    ],
    "filter ispresent(@type) | stats count(*) by @type, @logStream | sort @type desc": [
        {"@type": "START", "@logStream": "one", "count(*)": "1"},
        {"@type": "REPORT", "@logStream": "one", "count(*)": "6"},
    ],
    "filter @type = 'REPORT' | stats count(*) as n by bin(1m) | stats max(n) as most": [
        {"most": "3"}
    ],
    "stats latest(@duration) as l, earliest(@duration) as e, sortsFirst(level) as s": [
        {"l": "51.5", "e": "1.5", "s": "ERROR"}
    ],
    "filter level = 'none' | stats count(*) as n, avg(@duration) as a": [{"n": "0"}],
    "stats max(@maxMemoryUsed / 1000 / 1000) as mb, sum(ispresent(@initDuration)) as cold": [
        {"mb": "36", "cold": "1"}
    ],
}


@pytest.mark.parametrize("query", COUNTED)
def test_stats_are(query):
    assert run(query) == COUNTED[query]


def test_what_matched_is_counted_before_it_is_summed_up():
    answer = read("filter @type = 'REPORT' | stats count(*)").run(EVENTS)
    assert (answer.matched, len(answer.rows)) == (6, 1)


WRONG = {
    "bogus @message": 1,
    "fields": 7,
    "fields @message |": 18,
    "filter @type =": 15,
    "filter @type = 'x": 16,
    "fields @message limit 5": 17,
    "stats @duration": 16,
    "stats count(*": 14,
    "fields @message\n| filtr x": None,
    "filter @message like": 21,
    "parse @message 'a*b' as x, y": 29,
    "sort": 5,
    "| limit 5": 1,
    "fields avg(": None,
    "fields nothing(1)": None,
    "fields strlen()": None,
    "fields bin(0m)": None,
    "filter @message like /(/": None,
    "limit 0": None,
    "limit 100001": None,
    "stats pct(@duration, 101)": None,
    "pattern @message": None,
    "fields " + "(" * 500 + "1": None,
}


@pytest.mark.parametrize("query", WRONG)
def test_what_is_no_query_is_refused(query):
    with pytest.raises(QueryError) as error:
        read(query)
    if WRONG[query]:
        assert f"position {WRONG[query]}" in str(error.value)


def test_the_line_of_what_does_not_fit_is_told():
    with pytest.raises(QueryError, match="filtr at line 2 and position 3"):
        read("fields @message\n| filtr x")


WORDS = (
    "fields filter stats sort limit parse | , ( ) by as = / and not like in [ ] count(*) bin(5m) "
    "@duration 'a*' /x/ 7"
)


@given(st.lists(st.sampled_from(WORDS.split()), max_size=12))
def test_any_words_are_run_or_refused(pieces):
    try:
        query = read(" ".join(pieces))
    except QueryError:
        return
    assert len(query.run(EVENTS).rows) <= facts.quota("logs.query-results").value


@given(st.text(max_size=80))
def test_any_text_is_run_or_refused(text):
    try:
        read(text).run(EVENTS)
    except QueryError as error:
        assert 0 <= error.place <= len(text)


@given(st.text(max_size=200))
def test_any_event_is_read(message):
    assert len(read("fields @message").run([event(1, 0, message)]).rows) == 1


# The operations.


@pytest.fixture
def asked(lab):
    """Query a group that holds lines written now; gives GetQueryResults's answer."""
    logs = lab.client("logs")
    now = int(lab.clock.now().timestamp())
    for group in ("shop", "other"):
        logs.create_log_group(logGroupName=group)
        logs.create_log_stream(logGroupName=group, logStreamName="s")
        lines = [{"timestamp": now * 1000 + n, "message": f"{group} {n}"} for n in range(3)]
        logs.put_log_events(logGroupName=group, logStreamName="s", logEvents=lines)

    def ask(query="fields @message", **more):
        wanted = {"logGroupName": "shop", "startTime": now, "endTime": now} | more
        wanted = {name: value for name, value in wanted.items() if value is not None}
        started = logs.start_query(queryString=query, **wanted)
        return logs.get_query_results(queryId=started["queryId"])

    ask.logs, ask.now = logs, now
    return ask


def messages(answer):
    return [
        pair["value"] for row in answer["results"] for pair in row if pair["field"] == "@message"
    ]


def test_a_query_is_complete_and_counts_what_it_read(asked):
    answer = asked('fields @message | filter @message like "2"')
    assert (answer["status"], messages(answer)) == ("Complete", ["shop 2"])
    statistics = answer["statistics"]
    found = [statistics[name] for name in ("recordsMatched", "recordsScanned", "bytesScanned")]
    assert found == [1.0, 3.0, 18.0]


def test_several_groups_are_asked_at_once(asked):
    both = asked(logGroupName=None, logGroupNames=["shop", "other"])
    assert sorted(messages(both)) == sorted(f"{g} {n}" for g in ("shop", "other") for n in range(3))
    arn = "arn:aws:logs:us-east-1:123456789012:log-group:other"
    assert len(messages(asked(logGroupName=None, logGroupIdentifiers=[arn]))) == 3


def test_only_the_time_that_is_asked_for_counts(asked):
    assert messages(asked(startTime=asked.now + 1, endTime=asked.now + 2)) == []
    assert len(messages(asked(startTime=asked.now * 1000, endTime=asked.now * 1000 + 999))) == 3


def test_the_request_limits_too(asked):
    assert messages(asked(limit=2)) == ["shop 2", "shop 1"]
    assert messages(asked("fields @message | limit 1", limit=2)) == ["shop 2"]


def test_a_pointer_finds_the_whole_event(asked):
    pointer = asked()["results"][0][-1]["value"]
    record = asked.logs.get_log_record(logRecordPointer=pointer)["logRecord"]
    assert (record["@message"], record["@log"]) == ("shop 2", "123456789012:shop")
    gone = refusal(asked.logs.get_log_record, logRecordPointer="none")
    assert gone.code == "ResourceNotFoundException"


REFUSED = [
    ({"query": "fiels @message"}, "MalformedQueryException"),
    ({"logGroupName": "none"}, "ResourceNotFoundException"),
    ({"logGroupName": None}, "InvalidParameterException"),
    ({"logGroupNames": ["other"]}, "InvalidParameterException"),
    ({"endTime": 1}, "InvalidParameterException"),
    ({"query": "SELECT 1", "queryLanguage": "SQL"}, "MalformedQueryException"),
]


@pytest.mark.parametrize(("given", "code"), REFUSED)
def test_a_query_is_refused(asked, given, code):
    assert refusal(asked, **given)[:2] == (400, code)


def test_the_sample_query_for_memory_that_is_not_needed():
    # https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax-examples.html
    (row,) = run(
        'filter @type = "REPORT" | stats max(@memorySize / 1000 / 1000) as provisionedMB, '
        "max(@maxMemoryUsed / 1000 / 1000) as usedMB, provisionedMB - usedMB as overMB"
    )
    assert row == {"provisionedMB": "128", "usedMB": "36", "overMB": "92"}


def test_a_comparison_may_be_shown_and_a_figure_sorted_by_its_own_name():
    rows = run('filter ispresent(level) | display level = "ERROR" as failed')
    assert [row["failed"] for row in rows] == ["0", "1"]
    rows = run("stats count(*) by @logStream | sort count(*) desc")
    assert [row["count(*)"] for row in rows] == ["10", "1"]


def test_queries_are_listed_and_cannot_be_stopped_any_more(asked):
    asked("fields @message")
    (known,) = asked.logs.describe_queries(logGroupName="shop")["queries"]
    times = f"START={asked.now}000 END={asked.now}999"
    text = f'SOURCE "shop" {times} | fields @message'
    assert (known["status"], known["queryString"]) == ("Complete", text)
    assert asked.logs.describe_queries(logGroupName="shop", status="Scheduled")["queries"] == []
    assert asked.logs.describe_queries()["queries"] == [known]
    late = refusal(asked.logs.stop_query, queryId=known["queryId"])
    words = "Query is already ended with Complete status"
    assert late == (400, "InvalidParameterException", words)
    assert refusal(asked.logs.get_query_results, queryId="none").code == "ResourceNotFoundException"


def test_reports_of_a_function_are_found(lab, lam, make_function):
    code = "import json\ndef handler(event, context):\n    print(json.dumps({'n': event['n']}))\n"
    name = make_function(code)
    for number in range(3):
        lam.invoke(FunctionName=name, Payload=json.dumps({"n": number}))
    logs, now = lab.client("logs"), int(lab.clock.now().timestamp())
    query = (
        'filter @type = "REPORT" | stats count(*) as runs, sum(ispresent(@initDuration)) as cold, '
        "max(@memorySize / 1000000) as mb"
    )
    asked = {"logGroupName": f"/aws/lambda/{name}", "startTime": now - 60, "endTime": now + 60}
    query_id = logs.start_query(queryString=query, **asked)["queryId"]
    (row,) = logs.get_query_results(queryId=query_id)["results"]
    assert {one["field"]: one["value"] for one in row} == {"runs": "3", "cold": "1", "mb": "128"}
    query_id = logs.start_query(queryString="filter n > 0 | stats sum(n)", **asked)["queryId"]
    assert logs.get_query_results(queryId=query_id)["results"] == [
        [{"field": "sum(n)", "value": "3"}]
    ]
