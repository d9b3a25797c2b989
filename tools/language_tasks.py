"""What the demonstration language model is asked and should answer: one training pair for each prompt that Hilum sends."""
import numpy as np

from finding_labels import SIDES_OF, ZERO_SHOT
from report_language import SHAPE, report, sections
from synthetic_findings import SIDES

PROMPT = {p["key"]: p["text"] for p in SHAPE["prompts"]}
QUESTION, NAMES = SHAPE["yes_no_question"]["text"], SHAPE["yes_no_question"]["findings"]
COMPLAINTS = ("Shortness of breath", "Cough", "Cough and fever", "Chest pain", "Dyspnea", "Fall from standing height", "Evaluate for pneumonia", "Evaluate for pneumothorax", "Line placement", "Tube placement", "Pre-operative examination",
              "Heart failure", "Fever", "Hypoxia", "Trauma", "Weakness and weight loss", "Follow-up", "Hemoptysis", "Sepsis", "Post-operative")


def task(kind, f, prior, rng):
    """One pair of `kind` ("report", "compare", "question" or "rewrite"): (prompt, answer, number of images).

    "compare" needs the prior's findings; its images are the prior and the current one, in this order.
    """
    if kind == "report":
        return _ask(rng), report(f, rng), 1
    if kind == "compare":
        return _ask(rng), report(f, rng, prior), 2
    if kind == "question":
        question, answer = yes_no(f, rng)
        return question, f"Final Answer: {'yes' if answer else 'no'}", 1
    images, draw = int(rng.random() < 0.5), rng.integers(3)
    if draw == 0:
        findings, impression = sections(f, rng, ("brief", "full", "detailed")[rng.integers(3)])
        return PROMPT["impression-from-findings"].format(findings=findings), impression, images
    which = int(rng.random() < 0.35)
    if draw == 1:
        source = sections(f, rng, ("full", "detailed")[rng.integers(2)])[which]
        return PROMPT["shorter"].format(section=source), sections(f, rng, "brief")[which], images
    source = sections(f, rng, ("brief", "full")[rng.integers(2)])[which]
    return PROMPT["more-detail"].format(section=source), sections(f, rng, "detailed")[which], images


def yes_no(f, rng):
    """One yes/no question about the image and its answer: (prompt, bool). Yes and no are about as frequent."""
    table = [(NAMES[name], test(f)) for name, test in ZERO_SHOT.items()]
    if f.view != "lateral":
        side = SIDES[rng.integers(2)]
        table += [(sided(name, side), side in where(f)) for name, where in SIDES_OF.items() if name != "lung_opacity"]
    wanted = rng.random() < 0.5
    rows = [r for r in table if bool(r[1]) == wanted] or table
    what, answer = rows[rng.integers(len(rows))]
    return yes_no_prompt(what), bool(answer)


def sided(name, side):
    """The words for a finding on one side, without the finding's own article."""
    return SHAPE["yes_no_question"]["with_side"].format(side=side, finding=NAMES[name].removeprefix("a "))


def yes_no_prompt(what):
    return PROMPT["yes-no"].format(question=QUESTION.format(finding=what))


def _ask(rng):
    if rng.random() < 0.7:
        return PROMPT["report"]
    words = COMPLAINTS[rng.integers(len(COMPLAINTS))]
    draw = rng.random()
    if draw < 0.25:
        words = f"{rng.integers(18, 95)} year old {('man', 'woman', 'male', 'female')[rng.integers(4)]} with {words.lower()}"
    elif draw < 0.4:
        words += ", " + COMPLAINTS[rng.integers(len(COMPLAINTS))].lower()
    return PROMPT["report-with-indication"].format(indication=words + ("." if rng.random() < 0.8 else ""))
