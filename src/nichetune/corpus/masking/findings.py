"""What a recogniser finds, and the names of all types of personal value.

text -> [Finding(start=4, end=12, entity="MEDICAL_RECORD", score=0.95)]
"""

from __future__ import annotations

import re
from dataclasses import dataclass

PLACEHOLDER = re.compile(r"\[[A-Z][A-Z_]*_(?:\d+|h[0-9a-f]{12})\]")

# Labels lend certainty in this order; the strongest claim on a stretch of text names its type.
SURE, CERTAIN, LIKELY, POSSIBLE = 1.0, 0.95, 0.85, 0.6

# Kinds of evidence for a person; all are PERSON in the end.
TITLED_NAME, PATIENT_NAME, LABELLED_NAME, GIVEN_NAME = "TITLED_NAME", "PATIENT_NAME", "LABELLED_NAME", "GIVEN_NAME"
NAME_KINDS = (TITLED_NAME, PATIENT_NAME, LABELLED_NAME, GIVEN_NAME)

# Every type that a policy can name, in the order of the reference page.
ENTITIES: dict[str, str] = {
    "PERSON": "names of people, usernames apart",
    "ADDRESS": "street, unit, town and postcode together; post boxes; postcodes that name a street",
    "LOCATION": "towns and other places smaller than a state, outside an address",
    "PHONE_NUMBER": "telephone and fax numbers of all countries",
    "EMAIL_ADDRESS": "e-mail addresses",
    "USERNAME": "handles and account names",
    "URL": "web addresses that hold a person, a number or a query",
    "WEB_ADDRESS": "other web addresses and names of hosts",
    "IP_ADDRESS": "IPv4 and IPv6 addresses",
    "DATE_OF_BIRTH": "dates labelled as of birth",
    "DATE": "every other date with a day or a month",
    "AGE": "ages above 89",
    "US_SSN": "social security numbers of the United States",
    "NATIONAL_ID": "national, tax and health numbers of other countries, by checksum or label",
    "MEDICAL_RECORD": "medical record, chart, case and accession numbers",
    "US_MBI": "Medicare beneficiary identifiers",
    "ACCOUNT_NUMBER": "accounts, members, policies, claims, customers",
    "CREDIT_CARD": "payment cards (Luhn)",
    "IBAN": "bank accounts (mod 97)",
    "PASSPORT": "passport numbers",
    "DRIVER_LICENSE": "driving and professional licences, certificates",
    "VEHICLE_ID": "plates and vehicle identification numbers",
    "DEVICE_ID": "serial numbers, IMEI, MAC addresses, implants",
    "BADGE_NUMBER": "badges, employees, students and other personal numbers",
    "SECRET": "passwords, keys and tokens",
}


@dataclass(frozen=True)
class Finding:
    """A stretch of text that may be personal, and how sure that is; `guessed` by the tagger, or known by a rule."""

    start: int
    end: int
    entity: str
    score: float
    guessed: bool = False
