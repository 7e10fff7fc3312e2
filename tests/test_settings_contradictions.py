"""Values that the service would refuse later, and settings that contradict each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.errors import SegueError
from segue.places import CONF
from segue.settings import load_settings
from segue.settings.checking import problems
from segue.settings.contradictions import contradictions
from segue.settings.values import duration_text

CONTRADICTIONS = [
    ("stream.watermark", '[stream]\nwatermark = "1 hour"\n', 2),
    ("stream.watermark", '[stream]\nallowed_lateness = "3 hours"\n', 2),
    ("kafka.replication_factor", "[kafka]\nreplication_factor = 3\n", 2),
    ("taste.max_signals", "[taste]\nmax_signals = 5\n", 2),
    ("spark.conf.spark.master", '[spark.conf]\n"spark.master" = "yarn"\n', 2),
    ("spark.conf.spark.driver.memory", '[spark.conf]\n"spark.driver.memory" = "4g"\n', 2),
    ("spark.checkpoint_location", '[spark]\ncheckpoint_location = "s3a://bucket/checkpoint"\n', 2),
    ("stream.metrics_port", "[spark]\nui_port = 4041\n", 2),
    ("dashboard.port", "[dashboard]\nport = 4040\n", 2),
    ("audio.hop_length", "[audio]\nhop_length = 4096\n", 2),
    ("audio.n_fft", "[audio]\nhop_length = 64\nsample_rate = 96000\nn_fft = 256\n", 4),
    ("ranking.candidates", "[ranking]\ncandidates = 10\n", 2),
    ("ranking.candidates", "[ranking]\ncandidates = 20\nlist_length = 20\n", 2),
    (
        "experiments.ranking.wide.candidates",
        "[experiments.ranking]\nwide = { list_length = 90, candidates = 90 }\n",
        2,
    ),
    ("index.cold_start_size", "[index]\ncold_start_size = 5\n", 2),
    ("moods.candidates", "[moods]\ncandidates = 5\n", 2),
    ("experiments.variants", "[engagement]\nenabled = false\n[experiments]\nvariants = { audio = 1 }\n", 4),
    ("engagement.feedback_window", '[retention]\nlistening = "7 days"\n', 2),
    ("engagement.popular_window", '[engagement]\npopular_window = "500 days"\n', 2),
    ("engagement.rising_window", '[engagement]\nrising_window = "5 minutes"\n', 2),
    ("engagement.feedback_interval", '[engagement]\nfeedback_interval = "40 days"\n', 2),
    ("dashboard.base_url", '[dashboard]\nbase_url = "music.example"\n', 2),
    ("dashboard.oidc_config_file", '[dashboard]\noidc_config_file = "/nowhere/oidc.toml"\n', 2),
]
REFUSED = [
    ("stream.window", "[stream]\nwindow = true"),
    ("stream.window", "[stream]\nwindow = nan"),
    ("stream.window", '[stream]\nwindow = "99999999999999 days"'),
    ("stream.fetch_max_wait", '[stream]\nfetch_max_wait = "1 hour"'),
    ("stream.max_play_size", '[stream]\nmax_play_size = "9999999999999 TiB"'),
    ("ranking.list_length", "[ranking]\nlist_length = true"),
    ("ranking.list_length", "[ranking]\nlist_length = 100000000000000000000000"),
    ("ranking.transition_weight", "[ranking]\ntransition_weight = inf"),
    ("models.sessions.seed", "[models.sessions]\nseed = 99999999999999999999"),
    ("index.folder", '[index]\nfolder = ""'),
    ("kafka.plays_topic", '[kafka]\nplays_topic = "a b"'),
    ("kafka", '[kafka]\nplays_topic = "plays.rejected"'),
    ("kafka.bootstrap_servers", '[kafka]\nbootstrap_servers = "broker"'),
    ("kafka.bootstrap_servers", '[kafka]\nbootstrap_servers = "broker:no"'),
    ("mongo.uri", '[mongo]\nuri = "http://host"'),
    ("mongo.database", '[mongo]\ndatabase = "a.b"'),
    ("spark.master", '[spark]\nmaster = "nonsense"'),
    ("spark.conf", '[spark.conf]\n"spark.x" = [1]'),
    ("retention.listening", '[retention]\nlistening = "30000 days"'),
    ("dashboard.operators.0", '[dashboard]\noperators = [""]'),
]
"""Values that Spark, Kafka, MongoDB or the pages would refuse."""


def written(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "own.toml"
    file.write_text(text)
    return file


@pytest.mark.parametrize(("name", "text", "line"), CONTRADICTIONS)
def test_check_refuses_a_contradiction_in_one_line(name: str, text: str, line: int, tmp_path: Path) -> None:
    [problem] = problems(written(tmp_path, text))
    assert (problem.key, problem.line) == (name, line)
    assert "\n" not in problem.text


@pytest.mark.parametrize(("name", "text", "line"), CONTRADICTIONS)
def test_the_service_still_loads_it(
    name: str, text: str, line: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Files of earlier releases may contain it: the stream and the doctor report it."""
    monkeypatch.setenv("SEGUE_CONF", str(written(tmp_path, text)))
    assert name in {each.keys[0] for each in contradictions(load_settings())}


@pytest.mark.parametrize(("name", "text"), REFUSED)
def test_a_value_that_would_fail_later_is_refused(
    name: str, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = written(tmp_path, text)
    [problem] = problems(file)
    assert (problem.key.partition(" = ")[0], problem.line) == (name, 2 if name != "spark.conf" else 1)
    monkeypatch.setenv("SEGUE_CONF", str(file))
    with pytest.raises(SegueError, match=name.removesuffix(".0")):
        load_settings()


def test_the_defaults_have_no_contradiction() -> None:
    assert problems(CONF / "default.toml") == []


def test_faulty_values_do_not_hide_contradictions(tmp_path: Path) -> None:
    text = '[stream]\nwindow = "soon"\nwatermark = "1 minute"\n[kafka]\nplays_topc = "x"\nmanage_topics = 3\n'
    found = [(each.line, each.key.partition(" ")[0]) for each in problems(written(tmp_path, text))]
    assert found == [
        (2, "stream.window"),
        (3, "stream.watermark"),
        (5, "kafka.plays_topc"),
        (6, "kafka.manage_topics"),
    ]


def test_a_faulty_value_is_in_no_contradiction(tmp_path: Path) -> None:
    text = '[stream]\nwatermark = "soon"\nallowed_lateness = "9 hours"\n'
    assert [each.line for each in problems(written(tmp_path, text))] == [2]


@pytest.mark.parametrize(
    "text", ["experiments = 3", "[experiments]\nranking = 3", '[""]\nx = 1', "\ufeffx = 1"]
)
def test_a_file_of_another_shape_has_one_problem(text: str, tmp_path: Path) -> None:
    assert len(problems(written(tmp_path, text))) == 1


def test_names_in_tables_are_those_of_the_file(tmp_path: Path) -> None:
    [problem] = problems(written(tmp_path, '[experiments]\nranking = { bold = { list_length = "x" } }\n'))
    assert (problem.key, problem.text) == (
        'experiments.ranking.bold.list_length = "x"',
        "it must be a number",
    )


def test_durations_are_written_as_they_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("1234567 milliseconds", "0.5 milliseconds", "1500 milliseconds", "90 minutes", "2 days"):
        monkeypatch.setenv("SEGUE_TASTE__HALF_LIFE", text)
        assert duration_text(load_settings().taste.half_life) == text


@pytest.mark.parametrize(
    ("number", "duration"), [("0", "0 seconds"), ("90", "90 seconds"), ("0.5", "500 milliseconds")]
)
def test_a_duration_without_a_unit_is_read_as_in_0_1(
    number: str,
    duration: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = written(tmp_path, f"[stream]\ntrigger_interval = {number}\n")
    assert problems(file) == []
    monkeypatch.setenv("SEGUE_CONF", str(file))
    assert duration_text(load_settings().stream.trigger_interval) == duration
    assert f'write "{number} seconds"' in caplog.text


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("SEGUE_DASHBOARD__OPERATORS", "Ada", "SEGUE_DASHBOARD__OPERATORS is not JSON"),
        ("SEGUE_EXPERIMENTS__VARIANTS", "{", "SEGUE_EXPERIMENTS__VARIANTS is not JSON"),
        ("SEGUE_STREAM", "{", "SEGUE_STREAM is not JSON"),
        ("SEGUE_STREAM__WINDOW", "soon", "settings explain stream.window describes it"),
        ("SEGUE_STREAM__WINDOWS", "1 hour", "settings show lists all settings"),
    ],
)
def test_a_faulty_variable_is_named_with_a_remedy(
    variable: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SegueError, match=message) as caught:
        load_settings()
    assert "\n" not in str(caught.value)


def test_a_settings_file_of_another_encoding_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.toml"
    file.write_bytes(b"\xff\xfe")
    monkeypatch.setenv("SEGUE_CONF", str(file))
    with pytest.raises(SegueError, match="it is not UTF-8"):
        load_settings()
