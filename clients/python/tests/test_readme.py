"""The examples of the README, run as they are on the service."""

import re
from pathlib import Path

import pytest
from conftest import EXPECTED, KEYS, URL
from llama_index.core import Settings
from llama_index.core.llms.mock import MockLLM

README = (Path(__file__).parents[1] / "README.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


@pytest.mark.parametrize("at", range(len(EXAMPLES)))
def test_example_runs(at, monkeypatch, capsys):
    monkeypatch.setenv("KEN_API_KEY", KEYS["bot"])
    # The query engine of LlamaIndex needs a language model; this one returns its prompt.
    monkeypatch.setattr(Settings, "_llm", MockLLM())
    code = EXAMPLES[at].replace("https://ken.example.com", URL).replace("ken_…", KEYS["bot"])
    exec(compile(code, f"README.md, example {at + 1}", "exec"), {})
    is_shown = "print(" in code
    assert (EXPECTED in capsys.readouterr().out) == is_shown


def test_every_part_has_an_example():
    assert len(EXAMPLES) == 5, [example.splitlines()[0] for example in EXAMPLES]
