"""The program behind the services of the tests' stack: `vllm serve MODEL …` or `llama-server …`.

It runs in a container, with nothing but Python's standard library, unless ACTS names the folder of
the real llama-server's package. Otherwise it answers what such servers answer while they load and
once they are up, prints what they print, and misbehaves as the words of ACTS tell it:

    loading=SECONDS  crash=CODE  deaf  model=NAME  real=SITE_PACKAGES
"""

import http.server
import json
import os
import signal
import sys
import threading
import time

ACTS = dict([*word.split("=", 1), ""][:2] for word in os.environ.get("ACTS", "").split())
PROGRAM = os.path.basename(sys.argv[0])  # noqa: PTH119
IS_VLLM = PROGRAM == "vllm"


def option(*names: str, default: str = "") -> str:
    for name in names:
        if name in sys.argv:
            return sys.argv[sys.argv.index(name) + 1]
    return default


PORT = int(option("--port", default="8080"))
MODEL = sys.argv[2] if IS_VLLM else option("--alias", "-m").rsplit("/", 1)[-1]
SERVED = ACTS.get("model") or option("--served-model-name", default=MODEL)
ready = threading.Event()


def say(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server_version, sys_version = ("uvicorn", "") if IS_VLLM else ("llama.cpp", "")

    def do_GET(self) -> None:
        if not ready.is_set():
            error = {"error": {"message": "Loading model", "type": "unavailable_error"}}
            return self.answer(503, json.dumps({**error, "code": 503}))
        if self.path == "/health":
            return self.answer(200, "" if IS_VLLM else '{"status":"ok"}')
        if self.path == "/v1/models":
            entry: dict[str, object] = {
                "id": SERVED,
                "object": "model",
                "owned_by": "vllm" if IS_VLLM else "llamacpp",
            }
            entry |= {"max_model_len": 1024} if IS_VLLM else {"meta": {"n_ctx": 1024}}
            return self.answer(200, json.dumps({"object": "list", "data": [entry]}))
        if self.path == "/metrics":
            prefix = "vllm:num_requests_running" if IS_VLLM else "llamacpp:requests_processing"
            return self.answer(200, f"{prefix} 0\n")
        return self.answer(404, '{"detail":"Not Found"}')

    def answer(self, status: int, text: str) -> None:
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def load(seconds: float) -> None:
    if IS_VLLM:
        say("(APIServer pid=1) INFO 11-21 08:00:00 [api_server.py:1896] vLLM API server version 0")
        say("INFO 11-21 08:00:00 [gpu_model_runner.py:2602] Starting to load model ...")
    steps = 4
    for step in range(1, steps + 1):
        time.sleep(seconds / steps)
        if IS_VLLM:
            share = f"{step * 25}% Completed | {step}/{steps}"
            say(f"Loading safetensors checkpoint shards: {share} [00:01<00:01]")
        else:
            say("load_tensors: loading model tensors, this can take a while... (mmap = false)")
    if "crash" in ACTS:
        say("ValueError: No available memory for the cache blocks. Try increasing the share.")
        os._exit(int(ACTS["crash"]))
    ready.set()
    say("INFO:     Application startup complete." if IS_VLLM else "main: model loaded")


def real_llama_server(packages: str) -> None:
    sys.path.insert(0, packages)
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = option("-m")
    params.hostnames, params.port = [option("--host", default="127.0.0.1")], PORT
    params.n_ctx, params.n_parallel = int(option("-c", default="512")), 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
    params.endpoint_metrics = params.endpoint_slots = params.use_jinja = True
    params.ui = False
    server = xllamacpp.Server(params)
    threading.Event().wait()
    del server


def main() -> None:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
    if "real" in ACTS:
        real_llama_server(ACTS["real"])
    if "deaf" in ACTS:
        threading.Event().wait()
    loading_s = float(ACTS.get("loading", "0"))
    if IS_VLLM:  # its port is closed until it is ready
        load(loading_s)
    else:
        threading.Thread(target=load, args=(loading_s,), daemon=True).start()
    try:
        server = http.server.ThreadingHTTPServer((option("--host"), PORT), Handler)
    except OSError as error:
        say(f"OSError: {error}: error while attempting to bind: address already in use")
        sys.exit(1)
    server.serve_forever()


if __name__ == "__main__":
    main()
