"""The desk's ways to write a note: openings, current findings, distractors, closings, by style.

Nothing is read or written; `notes.py` fills the slots: {x} the current finding, {d} a finding that does not
count, {o} the side that is not the current one, {year} a year.

    STYLES["telegraphic"].current[0].format(x="Pinguecula, OD") -> "Now: Pinguecula, OD."
"""

from dataclasses import dataclass

# Kinds of clause that do not count. "fellow" names only the other side, so it needs a right or a left.
DISTRACTORS = ("ruled_out", "resolved", "family", "suspected", "fellow")

# Styles that only a quarter of the conditions may draw: notes of their shape are rarer in training.
RESERVED_STYLES = ("dictation", "handover")


@dataclass(frozen=True)
class Style:
    """One way of writing: every tuple holds alternatives for one place in the note."""

    openings: tuple[str, ...]
    current: tuple[str, ...]
    ruled_out: tuple[str, ...]
    resolved: tuple[str, ...]
    family: tuple[str, ...]
    suspected: tuple[str, ...]
    fellow: tuple[str, ...]
    closings: tuple[str, ...]


# Parallel lists: the same index is the same form with another side, so a note can be mirrored.
SIDE_FORMS = {
    "eye": {
        "right": ("OD", "right eye", "in the right eye", "OD", "right"),
        "left": ("OS", "left eye", "in the left eye", "OS", "left"),
        "bilateral": ("OU", "both eyes", "in both eyes", "OU", "bilateral"),
    },
    "ear": {
        "right": ("AD", "right ear", "in the right ear", "AD", "right"),
        "left": ("AS", "left ear", "in the left ear", "AS", "left"),
        "bilateral": ("AU", "both ears", "in both ears", "AU", "bilateral"),
    },
}

# The clinic that a note may open with, by section: the desk's letterhead, right in every note.
CLINICS = {
    "eyelid, lacrimal and orbit": "Lid and orbit clinic",
    "conjunctiva": "Conjunctiva clinic",
    "cornea, sclera and iris": "Cornea clinic",
    "lens": "Cataract clinic",
    "choroid and retina": "Retina clinic",
    "glaucoma": "Glaucoma clinic",
    "vitreous and globe": "Vitreous clinic",
    "optic nerve": "Optic nerve clinic",
    "eye muscles and refraction": "Strabismus and refraction clinic",
    "vision loss": "Low vision clinic",
    "other eye": "Pupil and motility clinic",
    "eye complication": "Post-op eye clinic",
    "outer ear": "Ear canal clinic",
    "middle ear": "Middle ear clinic",
    "inner ear": "Balance clinic",
    "other ear": "Hearing clinic",
    "ear complication": "Post-op ear clinic",
}

# Plans that repeat the side of the current finding ({s}), for notes that give one.
SIDED_CLOSINGS = (
    "Recheck {s} in two weeks.",
    "Next visit: {s} only.",
    "Plan: treat {s}.",
    "Photo {s} taken.",
    "Drops {s} twice daily.",
    "Consent for {s} signed.",
)
UNSIDED_CLOSINGS = (
    "Recheck in two weeks.",
    "Next visit: short slot.",
    "Plan: treat as before.",
    "Photo taken today.",
    "Drops twice daily.",
    "Consent form signed.",
)

STYLES = {
    "prose": Style(
        openings=(
            "Walk-in before lunch.",
            "Patient came late and apologised.",
            "Planned follow-up visit.",
            "Here with her daughter.",
            "Came by bus in the rain.",
            "New to the practice.",
        ),
        current=(
            "Today the exam shows {x}.",
            "We are treating {x} today.",
            "The current problem is {x}.",
            "At this visit I found {x}.",
            "Today's diagnosis is {x}.",
            "The patient now has {x}.",
        ),
        ruled_out=("{d} was ruled out.", "There is no {d}.", "I looked for {d} and did not find it."),
        resolved=(
            "{d} in {year} has resolved.",
            "An earlier {d} healed in {year}.",
            "Had {d} once, since cured.",
        ),
        family=("The mother has {d}.", "A brother was treated for {d}.", "Her aunt lives with {d}."),
        suspected=("The referral suspected {d}, not confirmed.", "Someone wondered about {d}; unlikely."),
        fellow=("The {o} looks normal.", "Nothing to see {i}."),
        closings=(
            "Back in two weeks.",
            "All questions answered.",
            "Handout given.",
            "Will call if worse.",
            "Drops explained again.",
            "Nice chat about gardening.",
        ),
    ),
    "telegraphic": Style(
        openings=("F/u.", "Walk-in.", "New pt.", "Seen 10 am.", "Recheck.", "Urgent slot."),
        current=("Now: {x}.", "Dx today {x}.", "Current: {x}.", "O/E today {x}.", "A: {x}.", "Imp: {x}."),
        ruled_out=("R/o {d} - neg.", "No {d}.", "{d} excluded."),
        resolved=("PMH {d} {year}, resolved.", "Old {d}, healed.", "S/p {d}, gone since {year}."),
        family=("FH: {d} (mother).", "Sister: {d}.", "Father {d}."),
        suspected=("?{d} per referral, unconfirmed.", "Query {d} by GP, no proof."),
        fellow=("{o} wnl.", "{o} quiet.", "{o} nad."),
        closings=("RTC 2 wks.", "Meds cont.", "Educ given.", "Rx sent.", "No new meds.", "D/w pt."),
    ),
    "labelled": Style(
        openings=(
            "Reason: check-up.",
            "Visit: walk-in.",
            "Source: patient.",
            "Reason: referral.",
            "Visit: recall.",
        ),
        current=(
            "Assessment today: {x}.",
            "Diagnosis: {x}.",
            "Active problem: {x}.",
            "Finding this visit: {x}.",
            "Present condition: {x}.",
        ),
        ruled_out=("Ruled out: {d}.", "Negative for: {d}.", "Not present: {d}."),
        resolved=("Past history: {d} ({year}), resolved.", "Inactive: {d}.", "Healed: {d}, {year}."),
        family=("Family history: {d} (father).", "Relatives: {d} in grandmother.", "Mother: {d}."),
        suspected=("Outside suspicion, unproven: {d}.", "Referral question, dropped: {d}."),
        fellow=("{o}: normal.", "{o}: no findings."),
        closings=("Plan: recheck.", "Plan: drops.", "Next: 1 month.", "Status: stable.", "Plan: watch."),
    ),
    "voice": Style(
        openings=(
            "Pt says the week was long.",
            'Pt: "I could not park."',
            "Talkative, in good spirits.",
            'Pt: "I feel fine otherwise."',
            "Worried about work.",
        ),
        current=(
            'She asks about "my {x}", confirmed today.',
            "Comes because of {x}, seen on exam.",
            "Complains of {x}; I agree, present today.",
            "What bothers him now is {x}.",
            "Tells me it feels worse; it is {x}.",
        ),
        ruled_out=("Feared {d}, but that is not there.", "Read about {d} online; excluded."),
        resolved=('"I used to have {d}", gone now.', "Remembers {d} in {year}, over since."),
        family=('"My mother has {d}."', '"My son had {d}."', "Husband at home has {d}."),
        suspected=("A friend guessed {d}; no sign of it.", 'Was told "maybe {d}", never shown.'),
        fellow=('"The {o} is fine."', "No trouble {i}."),
        closings=(
            '"Thanks, doctor."',
            "Happy with plan.",
            "Will text us.",
            "Wants a photo.",
            "Laughs a lot.",
        ),
    ),
    "letter": Style(
        openings=(
            "Thank you for sending this pleasant patient.",
            "Dear colleague,",
            "I saw your patient this morning.",
            "Many thanks for the referral.",
        ),
        current=(
            "My diagnosis is {x}.",
            "Findings are those of {x}.",
            "I can confirm {x}.",
            "Examination is consistent only with {x}.",
            "This is {x}.",
        ),
        ruled_out=("I found no {d}.", "{d} could be excluded.", "Tests for {d} were negative."),
        resolved=("The {d} of {year} is cured.", "Previous {d} has settled."),
        family=("There is {d} in the mother.", "The sister carries {d}."),
        suspected=("You raised {d}; I do not think so.", "Your suspicion of {d} was not borne out."),
        fellow=("The {o} was unremarkable.", "I saw nothing {i}."),
        closings=(
            "With kind regards.",
            "I will review in spring.",
            "Yours sincerely.",
            "Please continue drops.",
        ),
    ),
    "dictation": Style(
        openings=(
            "Dictated, not read.",
            "Tape starts.",
            "Start of note, new line.",
            "Dictating between rooms.",
        ),
        current=(
            "Please record {x} as the working diagnosis.",
            "For the chart, it is {x} now.",
            "Put down {x} for this encounter.",
            "The thing to code is {x}.",
            "Enter {x}, seen at the slit lamp or scope.",
            "Final for today, {x}.",
        ),
        ruled_out=("Scratch {d}, that was wrong.", "Do not put {d}, we excluded it."),
        resolved=("Leave out {d}, it cleared in {year}.", "{d} is history, done with."),
        family=("{d} belongs to the father, not here.", "The {d} is the twin sister's."),
        suspected=("{d} was only a thought, skip it.", "They floated {d}, unproven, ignore."),
        fellow=("{o} clean, comma, normal.", "Nothing {i}, full stop."),
        closings=("End of tape.", "Thanks for typing.", "New paragraph, end.", "Sign it for me."),
    ),
    "handover": Style(
        openings=(
            "Handover from the morning team.",
            "Passing this one on.",
            "For the late shift.",
            "Bed side note.",
        ),
        current=(
            "Main issue on shift: {x}.",
            "Being looked after for {x}.",
            "In with {x} at the moment.",
            "Watch the {x}, that is why she is here.",
            "Under us because of {x}.",
            "Admitting problem, still active: {x}.",
        ),
        ruled_out=("Night doctor cleared {d}.", "{d} crossed off after the scan."),
        resolved=("Had {d} back in {year}, settled.", "Chart lists {d}, long gone."),
        family=("Visitor (mother) is the one with {d}.", "Dad has {d}, do not mix up."),
        suspected=("Triage guessed {d}, not upheld.", "{d} was floated early on, no evidence."),
        fellow=("{o} ok.", "No issue {i}."),
        closings=("Tea please at four.", "Relatives informed.", "Notes in the tray.", "Quiet night so far."),
    ),
}
