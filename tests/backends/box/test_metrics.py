from __future__ import annotations

import json
import time

from strixdesk.backends.box.metrics import Sample, activity_of, parse_metrics, parse_slots
from strixdesk.core.tier import Activity

VLLM = """\
# HELP vllm:num_requests_running Number of requests in model execution batches.
# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{engine="0",model_name="Qwen/Qwen2.5 {14B} \\"x\\""} 2.0
vllm:num_requests_waiting{engine="0",model_name="m"} 1.0
vllm:kv_cache_usage_perc{engine="0",model_name="m"} 0.25
vllm:generation_tokens_total{engine="0",model_name="m"} 321.0
vllm:generation_tokens_created{engine="0",model_name="m"} 1.79e+09
"""
LLAMA = """\
llamacpp:tokens_predicted_total 561
llamacpp:tokens_predicted_seconds_total 8.8
llamacpp:requests_processing 1
llamacpp:requests_deferred 3
"""


def test_vllm_tells_what_runs_waits_and_fills_its_cache() -> None:
    assert parse_metrics(VLLM, 7.0) == Sample(7.0, 2, 1, 0.25, 321.0)


def test_llama_cpp_tells_the_same_in_its_own_words() -> None:
    assert parse_metrics(LLAMA, 7.0) == Sample(7.0, 1, 3, None, 561.0, 8.8)


def test_speed_is_what_was_written_between_two_looks() -> None:
    before, now = Sample(10.0, 1, written_tokens=100.0), Sample(12.0, 1, written_tokens=150.0)
    assert activity_of(before, now) == Activity(1, 0, 25.0)


def test_llama_cpps_own_seconds_stand_above_the_time_between_looks() -> None:
    before = Sample(0.0, 1, written_tokens=100.0, writing_s=2.0)
    now = Sample(60.0, 0, written_tokens=160.0, writing_s=3.0)
    assert activity_of(before, now).tokens_per_s == 60.0


def test_a_server_that_wrote_nothing_or_was_started_anew_has_no_speed() -> None:
    now = Sample(12.0, 1, written_tokens=5.0)
    assert activity_of(None, now).tokens_per_s is None
    assert activity_of(Sample(10.0, written_tokens=5.0), now).tokens_per_s is None
    assert activity_of(Sample(10.0, written_tokens=900.0), now).tokens_per_s is None


def test_slots_stand_in_for_metrics() -> None:
    slots = json.loads('[{"id":0,"is_processing":true},{"id":1,"is_processing":false}]')
    assert parse_slots(slots, 1.0) == Sample(1.0, 1)
    assert parse_slots({"error": "off"}, 1.0) is None


def test_other_texts_are_no_metrics() -> None:
    for text in ("", "<html>", "up 1", '{"a": 1}', "vllm:num_requests_running{ NaN", "\0" * 99):
        assert parse_metrics(text, 0.0) is None


def test_nonsense_numbers_are_left_out() -> None:
    text = VLLM.replace("0.25", "NaN").replace(" 2.0", " +Inf").replace(" 1.0", " -4")
    assert parse_metrics(text, 0.0) == Sample(0.0, 0, 0, None, 321.0)


def test_a_hostile_text_takes_no_longer_than_its_length() -> None:
    began = time.process_time()
    parse_metrics("vllm:num_requests_running" + "{" * 1_000_000 + "\n" + "{}" * 500_000, 0.0)
    assert time.process_time() - began < 1.0
