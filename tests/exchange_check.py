"""Judges exported reports with tools that nobody on this project made.

exchange_check.py fhir FILE SCHEMA.xz   every resource of a bundle against HL7's JSON schema for R4
exchange_check.py hl7 FILE              the message against HL7 v2.5.1 as hl7apy knows it
Prints one JSON object; exit 0 when the tool ran.
"""

import json
import sys


def fhir(path, schema_path):
    import lzma

    from jsonschema import Draft6Validator

    with lzma.open(schema_path) as file:
        schema = json.load(file)
    with open(path, encoding="utf-8") as file:
        bundle = json.load(file)
    problems = []
    for resource in [bundle] + [entry["resource"] for entry in bundle["entry"]]:
        own = {**schema, "oneOf": [], "$ref": f"#/definitions/{resource['resourceType']}"}
        own.pop("oneOf")
        own.pop("discriminator", None)
        for error in Draft6Validator(own).iter_errors(resource):
            problems.append(f"{resource['resourceType']} {list(error.path)}: {error.message[:200]}")
    kinds = [entry["resource"]["resourceType"] for entry in bundle["entry"]]
    return {"problems": problems, "kinds": kinds}


def hl7(path):
    from hl7apy.consts import VALIDATION_LEVEL
    from hl7apy.parser import parse_message

    with open(path, encoding="utf-8", newline="") as file:
        text = file.read()
    message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
    message.validate()
    result = message.ORU_R01_PATIENT_RESULT.ORU_R01_ORDER_OBSERVATION
    observations = [o.OBX for o in result.ORU_R01_OBSERVATION]
    patient = message.ORU_R01_PATIENT_RESULT.ORU_R01_PATIENT.PID
    return {
        "problems": [],
        "type": message.MSH.MSH_9.to_er7(),
        "patient": "~".join(name.to_er7() for name in patient.PID_5),
        "status": result.OBR.OBR_25.to_er7(),
        "observations": [[o.OBX_2.to_er7(), o.OBX_3.to_er7(), o.OBX_5.to_er7()] for o in observations],
    }


if __name__ == "__main__":
    print(json.dumps({"fhir": fhir, "hl7": hl7}[sys.argv[1]](*sys.argv[2:])))
