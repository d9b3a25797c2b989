"""What pyHanko says of the one signature in a PDF.

    python pyhanko_check.py REPORT.pdf TRUST.der [TSA.pem]

TRUST is the certificate (DER or PEM) to trust: the signer's own or an
authority's; TSA likewise for a time stamp over the signature. Prints JSON and exits 0 whatever the verdict is; pyHanko's
`bottom_line` alone is not enough, since it accepts bytes after the end of
the file, so the coverage is printed beside it.
"""

import json
import sys

from asn1crypto import pem, x509
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.settings import KeyUsageConstraints
from pyhanko_certvalidator import ValidationContext


def certificate(path):
    with open(path, "rb") as file:
        data = file.read()
    if pem.detect(data):
        _, _, data = pem.unarmor(data)
    return x509.Certificate.load(data)


def main():
    report, trust, *stamps = sys.argv[1:]
    with open(report, "rb") as file:
        reader = PdfFileReader(file)
        signatures = reader.embedded_signatures
        if len(signatures) != 1:
            print(json.dumps({"signatures": len(signatures), "bottom_line": False}))
            return
        signature = signatures[0]
        context = ValidationContext(
            trust_roots=[certificate(trust)],
            allow_fetching=False,
            moment=signature.self_reported_timestamp,
        )
        stamp_context = ValidationContext(trust_roots=[certificate(path) for path in stamps], allow_fetching=False) if stamps else None
        status = validate_pdf_signature(
            signature,
            context,
            ts_validation_context=stamp_context,
            key_usage_settings=KeyUsageConstraints(key_usage={"non_repudiation", "digital_signature"}, match_all_key_usages=True),
        )
        print(
            json.dumps(
                {
                    "signatures": 1,
                    "bottom_line": bool(status.bottom_line),
                    "valid": bool(status.valid),
                    "intact": bool(status.intact),
                    "trusted": bool(status.trusted),
                    "coverage": status.coverage.name,
                    "modification_level": status.modification_level.name,
                    "docmdp_ok": status.docmdp_ok,
                    "stamped": bool(
                        status.timestamp_validity and status.timestamp_validity.valid and status.timestamp_validity.trusted
                    ),
                    "md_algorithm": status.md_algorithm,
                    "signing_time": signature.self_reported_timestamp.isoformat(),
                    "subfilter": str(signature.sig_object["/SubFilter"]),
                    "reason": str(signature.sig_object.get("/Reason", "")),
                    "name": str(signature.sig_object.get("/Name", "")),
                }
            )
        )


if __name__ == "__main__":
    main()
