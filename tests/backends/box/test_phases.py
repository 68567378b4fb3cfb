from __future__ import annotations

import time

import pytest

from strixdesk.backends.box.start_phases import Phase, Start, read_start

API = "(APIServer pid=1) INFO 11-21 08:00:00 [api_server.py:1896] vLLM API server version 0.11.0"
SHARDS = "Loading safetensors checkpoint shards:  50% Completed | 4/8 [00:06<00:06,  1.6s/it]"
KV = (
    "(EngineCore_DP0 pid=90) ERROR 11-21 08:01:00 [core.py:708] ValueError: To serve at least one "
    "request with the models's max seq len (65536), (10.00 GiB KV cache is needed, which is larger "
    "than the available KV cache memory (4.50 GiB)."
)
END = "RuntimeError: Engine core initialization failed. See root cause above."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (API, "starting"),
        ("model-00001-of-00008.safetensors:  45%|####  | 2.2G/4.9G", "downloading the model, 45 %"),
        ("Fetching 8 files:  25%|##  | 2/8 [00:10<00:30]", "downloading the model, 25 %"),
        ("INFO 11-21 08:00:00 [x.py:1] Starting to load model Qwen/Qwen2.5-14B", "loading weights"),
        (SHARDS, "loading weights, 50 %"),
        ("INFO 11-21 08:00:00 [m.py:1] Model loading took 27.5 GiB and 15 seconds", "compiling"),
        ("INFO 11-21 08:00:00 [m.py:1] torch.compile takes 30 s in total", "compiling"),
        ("INFO 11-21 08:00:00 [w.py:1] Available KV cache memory: 12 GiB", "measuring the memory"),
        ("Capturing CUDA graphs (decode, FULL):  40%|## | 14/35", "capturing graphs, 40 %"),
        ("INFO 11-21 08:00:00 [m.py:1] Graph capturing finished in 20 secs", "warming up"),
        ("INFO:     Application startup complete.", ""),
        ("llama_model_loader: loaded meta data with 33 key-value pairs", "loading weights"),
        ("load_tensors: loading model tensors, this can take a while...", "loading weights"),
        ("common_init_from_params: warming up the model with an empty run", "warming up"),
        ("main: model loaded", ""),
        ("srv  update_slots: all slots are idle", ""),
    ],
)
def test_each_phase_has_its_words(line: str, words: str) -> None:
    assert read_start([line]).words == words


def test_a_start_only_goes_forward_while_its_log_does() -> None:
    log = [API, SHARDS, "Memory profiling takes 3 seconds", "Capturing CUDA graphs: 10%", "Uvicorn"]
    log += ["INFO:     Application startup complete."]
    progress = [read_start(log[:length]).progress for length in range(len(log) + 1)]
    assert progress == sorted(progress)
    assert progress[-1] == 1.0


def test_the_last_part_of_a_progress_bar_counts() -> None:
    bar = "\r".join(f"Loading safetensors checkpoint shards: {share}%" for share in (10, 60, 90))
    assert read_start([bar]).within == 0.9


def test_reading_goes_on_where_it_left_off() -> None:
    half = read_start([API, SHARDS])
    assert read_start([], half) == half
    assert read_start(["nothing to the point"], half) == half
    assert read_start(["Application startup complete."], half).ready


def test_the_cause_is_told_and_not_what_followed_from_it() -> None:
    start = read_start([API, SHARDS, KV, "Traceback (most recent call last):", END])
    assert start.failed
    assert start.error.startswith("ValueError: To serve at least one request")


def test_an_error_is_over_once_the_next_start_makes_progress() -> None:
    start = read_start([SHARDS, KV, END, API])
    assert not start.failed
    assert start.phase is Phase.STARTING
    assert "KV cache" in start.error


@pytest.mark.parametrize(
    "line",
    [
        "torch.OutOfMemoryError: HIP out of memory. Tried to allocate 2.00 GiB.",
        "OSError: [Errno 98] error while attempting to bind on address: address already in use",
        "main: couldn't bind HTTP server socket, hostname: 0.0.0.0, port: 8011",
        "gguf_init_from_file: failed to open GGUF file '/models/a.gguf'",
        "llama_model_load: error loading model: No such file or directory",
        "error: invalid argument: --no-such-thing",
        "huggingface_hub.errors.GatedRepoError: 401 Client Error.",
        "KeyError: 'architectures'",
    ],
)
def test_what_goes_wrong_at_a_start_is_found(line: str) -> None:
    start = read_start(["something else", line, "goodbye"])
    assert (start.error, start.failed) == (line, True)


@pytest.mark.parametrize(
    "line",
    [
        "WARNING 11-21 08:00:00 [config.py:1] Async output processing is not supported here.",
        "INFO 11-21 08:00:00 [log.py:1] retrying after an out of memory warning",
        'INFO:     127.0.0.1:1 - "GET /error HTTP/1.1" 200 OK',
    ],
)
def test_warnings_are_no_errors(line: str) -> None:
    assert read_start([line]) == Start()


def test_a_hostile_log_takes_no_longer_than_its_length() -> None:
    began = time.process_time()
    read_start(["A" * 200_000, "a." * 100_000, "(" * 100_000, "9" * 100_000 + "%", "\r" * 100_000])
    assert time.process_time() - began < 1.0
