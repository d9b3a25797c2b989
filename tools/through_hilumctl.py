"""The demo packs asked through `hilumctl`, the program as it is shipped: what check_demo_packs.py otherwise asks of torch.

Pictures go as 8-bit PNG of the packs' own side, which the program takes as they are. Drafts are structured, under the grammar, as
a reader gets them; yes/no questions are guided; rewriting sends the words alone. Radiographs of people go as the files that they
are, so that the program's own pipeline reads them. The data folder is an empty one, so that no other pack is taken.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from PIL import Image

from finding_labels import PROMPTS, ZERO_SHOT
from language_tasks import PROMPT
from report_language import SHAPE

# What stands around the question in a yes/no prompt; `hilumctl draft --question` puts it there itself.
BEFORE, AFTER = PROMPT["yes-no"].split("{question}")


class Program:
    """`hilumctl` with the demo packs under `packs`, as many at a time as `threads`, each on one."""

    def __init__(self, hilumctl, packs, threads):
        self.command, self.threads = str(pathlib.Path(hilumctl).resolve()), threads
        self.folder = tempfile.TemporaryDirectory()
        self.environment = os.environ | {"HILUM_MODELS": str(packs.resolve()), "RAYON_NUM_THREADS": "1"}

    def __call__(self, *arguments):
        answer, why = self.ask(*arguments)
        if why:
            raise SystemExit(f"hilumctl {' '.join(map(str, arguments))[:120]}: {why}")
        return answer

    def ask(self, *arguments):
        """The program's answer, and why there is none where it refused."""
        command = [self.command, "--json", "--data", f"{self.folder.name}/data", *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=self.environment)
        if not done.returncode:
            return json.loads(done.stdout), None
        try:
            error = json.loads(done.stderr.strip().splitlines()[-1])["error"]
            return None, f"{error['code']}: {error['message']}"
        except (IndexError, KeyError, TypeError, ValueError):
            return None, done.stderr.strip()[-400:] or f"status {done.returncode}"

    def each(self, ask, cases):
        """`ask(folder, case)` for each case, with a folder of its own, in order."""
        def one(case):
            with tempfile.TemporaryDirectory(dir=self.folder.name) as folder:
                return ask(pathlib.Path(folder), case)
        with ThreadPoolExecutor(self.threads) as pool:
            return list(pool.map(one, cases))


def pictures(folder, images):
    """Writes uint8 arrays as PNG; their paths."""
    paths = [folder / f"{i}.png" for i in range(len(images))]
    for path, image in zip(paths, images):
        Image.fromarray(np.array(image)).save(path)
    return paths


class Pair:
    """`hilumctl classify`."""

    def __init__(self, program):
        self.program = program

    def scores(self, images):
        """cos(present) - cos(absent) of each image: (images, 13); and no maps, which check_evidence_maps.py asks for."""
        with tempfile.TemporaryDirectory(dir=self.program.folder.name) as folder:
            files = self.program("classify", *pictures(pathlib.Path(folder), images), "--pack", "medsiglip-demo")
        found = [{score["finding"]: score["difference"] for score in file["scores"]} for file in files]
        return np.array([[of[name] for name in PROMPTS] for of in found]), None


class Writer:
    """`hilumctl draft`."""

    def __init__(self, program):
        self.program = program

    def answer(self, images, question, tokens=200, batch=None):
        """Answers to one question, or to one question each: `images` is (n, images per question, side, side) uint8."""
        questions = [question] * len(images) if isinstance(question, str) else question

        def one(folder, case):
            shown, words = case
            files = pictures(folder, shown)
            prior = ["--prior", files[0]] if len(files) == 2 else []
            if words.startswith(BEFORE) and words.endswith(AFTER):
                # Room for what the program writes when it has to ask for the answer.
                asked = ["--question", words[len(BEFORE):len(words) - len(AFTER)], "--max-tokens", max(tokens, 64)]
            elif words == PROMPT["report"]:
                asked = []
            else:
                asked = ["--prompt", "raw", "--text", words, "--max-tokens", tokens]
            answer = self.program("draft", *files[-1:], *prior, *asked, "--pack", "medgemma-demo")
            # What a model says behind its answer is no part of it.
            return answer["text"] if answer["yes_no"] is None else "yes" if answer["yes_no"]["answer"] else "no"
        return self.program.each(one, list(zip(images, questions)))


# The words of the frame, which are no sentences.
_HEADINGS = re.compile("|".join(map(re.escape, [
    SHAPE["structured_answer"]["findings_heading"], SHAPE["structured_answer"]["impression_heading"],
    *(f"{region}:" for region in SHAPE["structured_answer"]["regions"] + SHAPE["structured_answer"]["optional_regions"])])))
_SIDES = {"left": {"left"}, "right": {"right"}, "bilateral": {"left", "right"}, None: set()}
# What is stated as possible ("suggestive of pneumonia") is stated, as in CheXpert's evaluation with uncertain labels as positive.
_STATED = ("present", "uncertain")


class Labeller:
    """`hilumctl claims`: the rules that label a report in the app."""

    def __init__(self, program):
        self.program = program

    def claims(self, texts):
        """Findings that each text states, as `finding_labels.claims` gives them: {zero-shot name: set of sides}."""
        with tempfile.TemporaryDirectory(dir=self.program.folder.name) as folder:
            file = pathlib.Path(folder) / "texts"
            # A line is one report.
            file.write_text("".join(" ".join(_HEADINGS.sub(" ", text).split()) + "\n" for text in texts))
            lines = {line["line"]: line for line in self.program("claims", file)}
        return [stated(lines.get(i + 1)) for i in range(len(texts))]


def stated(line):
    """The claims of one line of `hilumctl claims --json`, which leaves out what is empty."""
    if line is None:
        return {}
    found = {name: set() for name, presence in line["conclusions"].items() if presence in _STATED and name in ZERO_SHOT}
    for claim in (claim for sentence in line["sentences"] for claim in sentence["claims"]):
        if claim["finding"] in found and claim["presence"] in _STATED:
            found[claim["finding"]] |= _SIDES[claim.get("side")]
    return found


def real(program, paths):
    """What the program says of each of these files, and of those that it refuses why: (answered, left out).

    `answered` has the path, the finding's differences and the draft's text.
    """
    def one(_, path):
        scores, why = program.ask("classify", path, "--pack", "medsiglip-demo")
        draft = None
        if not why:
            draft, why = program.ask("draft", path, "--pack", "medgemma-demo")
        if why:
            return path, None, why
        return path, ({score["finding"]: score["difference"] for score in scores[0]["scores"]}, draft["text"]), None
    answers = program.each(one, paths)
    return [(path, *answer) for path, answer, _ in answers if answer], [(path, why) for path, answer, why in answers if not answer]
