"""Asks the official SWE-bench harness, without its dependencies: one question a line on standard input, one answer a line.

A question is a log parser with a log, an instance with the path of a log, or a list of those to be timed. An answer is what the
harness says, or the exception that it raises.
"""

import contextlib
import io
import json
import sys
import time
from types import SimpleNamespace
from unittest.mock import MagicMock


class Missing(MagicMock):
    """Stands in for packages that grading does not use."""

    __path__ = []
    __file__ = "missing"
    __spec__ = None


while True:
    try:
        import swebench
        from swebench.harness import grading

        break
    except ModuleNotFoundError as missing:
        parts = missing.name.split(".")
        for end in range(1, len(parts) + 1):
            sys.modules.setdefault(".".join(parts[:end]), Missing(name=missing.name))
        for name in [name for name in sys.modules if name.split(".")[0] == "swebench"]:
            del sys.modules[name]

V5 = swebench.__version__.startswith("5.")
if V5:
    from swebench.harness.log_parsers import PARSER_REGISTRY as PARSERS
else:
    import importlib

    PARSERS = {}
    for language in ("c", "go", "java", "javascript", "php", "python", "ruby", "rust"):
        module = importlib.import_module(f"swebench.harness.log_parsers.{language}")
        PARSERS.update({name: value for name, value in vars(module).items() if name.startswith("parse_log_")})


def read(question):
    subject = SimpleNamespace(instance_id=question["instance_id"], version=question["version"])
    statuses = PARSERS[question["parser"]](question["log"], subject)
    return {"statuses": list(statuses.items())}


def grade(question):
    instance = question["instance"]
    spec = SimpleNamespace(**instance)
    prediction = {"instance_id": instance["instance_id"], "model_name_or_path": "m", "model_patch": "x"}
    report = grading.get_eval_report(spec, prediction, question["path"], True)
    return {"report": json.dumps(report, indent=4), "statuses": list(grading.get_logs_eval(spec, question["path"])[0].items())}


def timed(question):
    """The processor time of grading many logs, reports included."""
    began = time.process_time()
    for one in question["timed"]:
        spec = SimpleNamespace(**one["instance"])
        prediction = {"instance_id": spec.instance_id, "model_name_or_path": "m", "model_patch": "x"}
        json.dumps(grading.get_eval_report(spec, prediction, one["path"], True), indent=4)
    return {"seconds": time.process_time() - began}


def answer_to(question):
    if "timed" in question:
        return timed(question)
    return grade(question) if "instance" in question else read(question)


print(json.dumps({"version": swebench.__version__, "parsers": sorted(PARSERS)}), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            answer = answer_to(question)
    except Exception as error:
        answer = {"raised": repr(error)}
    print(json.dumps(answer), flush=True)
