"""Other clients of OpenAI's API, unmodified, each in an environment of its own: LangChain, LiteLLM, openai for Node, and
Vercel's AI SDK."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import venv
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fooocus_api.tests.support.host import Host, demo_host

pytestmark = pytest.mark.nightly

LANGCHAIN = """
import sys
from langchain_community.utilities.dalle_image_generator import DallEAPIWrapper
base = sys.argv[1] + "/v1"
print(DallEAPIWrapper(base_url=base, api_key="none", size="512x512", n=1).run("a cat"))
"""
LITELLM = """
import io, sys
import litellm
arguments = {"model": "openai/gpt-image-1", "api_base": sys.argv[1] + "/v1", "api_key": "none"}
answer = litellm.image_generation(prompt="a cat", size="512x512", **arguments)
print(len(answer.data[0].b64_json) > 1000)
"""
NODE = """
import OpenAI, { toFile } from "openai";
const client = new OpenAI({ baseURL: process.argv[2] + "/v1", apiKey: "none", maxRetries: 0 });
const one = await client.images.generate({ prompt: "a cat", size: "512x512", seed: 7, steps: 2 });
const file = Buffer.from(await (await fetch(one.data[0].url)).arrayBuffer());
const edit = await client.images.edit({
  image: await toFile(file, "cat.png", { type: "image/png" }), prompt: "a dog", model: "gpt-image-1",
});
const stream = await client.images.generate({ prompt: "a cat", stream: true, partial_images: 2, steps: 8 });
const types = [];
for await (const event of stream) types.push(event.type);
let error;
try { await client.images.generate({ prompt: "a cat", size: "7x7x7" }); } catch (caught) { error = caught; }
const models = [];
for await (const model of client.models.list()) models.push(model.id);
console.log(JSON.stringify({
  keys: Object.keys(one.data[0]), edited: edit.data[0].b64_json.length, types, models,
  error: [error.status, error.param, error.code],
}));
"""


VERCEL = """
import { generateImage } from "ai";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
const baseURL = process.argv[2] + "/v1", apiKey = "none", maxRetries = 0;
const openai = createOpenAI({ baseURL, apiKey }).image("gpt-image-1");
const compatible = createOpenAICompatible({ name: "fooocus", baseURL, apiKey }).imageModel("default");
const kinds = (answer) => answer.images.map((image) => [image.mediaType, image.uint8Array.length > 1000]);
const options = { openai: { quality: "low", outputFormat: "webp" } };
const one = await generateImage({ model: openai, prompt: "a cat", size: "512x512", n: 2, providerOptions: options, maxRetries });
const edit = await generateImage({ model: openai, prompt: { text: "a dog", images: [one.images[0].uint8Array] }, maxRetries });
const other = await generateImage({ model: compatible, prompt: "a cat", size: "512x512", maxRetries });
let error;
try {
  await generateImage({ model: openai, prompt: "a cat", size: "7x7x7", maxRetries });
} catch (caught) { error = [caught.statusCode, caught.message]; }
console.log(JSON.stringify({ one: kinds(one), edit: kinds(edit), other: kinds(other), error }));
"""


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with demo_host(step_ms=1) as running:
        yield running


def python_with(folder: Path, package: str) -> Path:
    """Return the interpreter of a new environment with a package, or skip the test without a network."""
    venv.create(folder, with_pip=True)
    python = folder / ("Scripts/python.exe" if sys.platform == "win32" else "bin/python")
    done = subprocess.run([python, "-m", "pip", "install", "-q", package], capture_output=True, text=True, timeout=1200)
    if done.returncode:
        pytest.skip(f"{package} can't be installed: {done.stderr[-300:]}")
    return python


def output_of(command: list[str | Path], folder: Path) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip().splitlines()[-1]


def test_langchain(host: Host, tmp_path: Path) -> None:
    python = python_with(tmp_path / "env", "langchain-community==0.4.2")
    subprocess.run([python, "-m", "pip", "install", "-q", "openai==3.57.0"], check=True, timeout=600)
    (tmp_path / "run.py").write_text(LANGCHAIN, "utf-8")
    assert output_of([python, "run.py", host.url], tmp_path).startswith(host.url)


def test_litellm(host: Host, tmp_path: Path) -> None:
    python = python_with(tmp_path / "env", "litellm==1.110.2")
    (tmp_path / "run.py").write_text(LITELLM, "utf-8")
    assert output_of([python, "run.py", host.url], tmp_path) == "True"


def run_by_node(folder: Path, script: str, url: str, *packages: str) -> dict[str, Any]:
    """Return what a script with these packages prints as JSON, or skip the test without Node or a network."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        pytest.skip("Node is not installed")
    command = [npm, "install", "--no-fund", "--no-audit", *packages]
    done = subprocess.run(command, cwd=folder, capture_output=True, timeout=600)
    if done.returncode:
        pytest.skip(f"{packages[0]} can't be installed: {done.stderr[-300:]!r}")
    (folder / "run.mjs").write_text(script, "utf-8")
    return dict(json.loads(output_of([node, "run.mjs", url], folder)))


def test_openai_for_node(host: Host, tmp_path: Path) -> None:
    found = run_by_node(tmp_path, NODE, host.url, "openai@6.49.0")
    assert "url" in found["keys"] and "b64_json" not in found["keys"] and found["edited"] > 1000
    assert found["types"][-1] == "image_generation.completed" and len(found["types"]) <= 3
    assert found["error"] == [400, "size", "invalid_value"] and "gpt-image-1" in found["models"]


def test_ai_sdk_of_vercel(host: Host, tmp_path: Path) -> None:
    """Use both of its providers: the one for OpenAI demands base64 in each item, the other takes URLs, too."""
    packages = ("ai@6.0.326", "@ai-sdk/openai@3.0.141", "@ai-sdk/openai-compatible@2.0.92")
    found = run_by_node(tmp_path, VERCEL, host.url, *packages)
    assert found["one"] == [["image/webp", True]] * 2
    assert found["edit"] == found["other"] == [["image/png", True]]
    assert found["error"][0] == 400 and found["error"][1].startswith("size: ")
