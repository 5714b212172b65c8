"""Build-side values: names, streets, towns and companies that the tagger's training text is filled with.

Faker's locales (MIT) + the lists below -> Values, from which every name of the test side has been taken out

    Values.given["de_DE"] -> ["Annegret", ...]
"""

from __future__ import annotations

import contextlib
import random
import re
from dataclasses import dataclass

from faker import Faker

# As often as they are drawn.
LOCALES = tuple(
    re.split(
        " ",
        "en_US en_US en_US en_GB en_GB en_AU en_CA en_IN en_IN en_IE en_NZ de_DE de_AT de_CH fr_FR fr_CA fr_CH es_ES es_MX es_CO "
        "es_AR es_CL it_IT nl_NL nl_BE pt_BR pt_PT pl_PL cs_CZ sk_SK sl_SI hr_HR hu_HU ro_RO sv_SE no_NO da_DK fi_FI et_EE lv_LV "
        "lt_LT tr_TR tr_TR id_ID fil_PH vi_VN yo_NG ha_NG ig_NG zu_ZA tw_GH az_AZ ga_IE own own own own",
    )
)

# Romanised names of places that Faker writes in their own scripts.
OWN_GIVEN = """
Xiuying Jianguo Weiming Yuchen Haoran Zihan Yutong Meiling Guoqiang Lihua Xiaojun Ruoxi Siyuan Hongmei Zhenghao Peiyao
Minseo Jiwoo Seojun Haeun Jihoon Yejin Sunghee Kyungsoo Eunji Taeyang Soyeon Dongmin Hyejin Sangwoo Youngho
Haruka Kenta Yuki Takumi Sakura Daisuke Naoko Kazuki Ayumi Shigeru Tomoko Ryota Misaki Hideo Chiyo Isamu
Mohammed Khadija Yasmin Tariq Nadia Bilal Huda Samir Rania Mahmoud Zaynab Imran Salma Waleed Amal Jamal Nour Hamza
Dmitri Svetlana Nikolai Oksana Anatoly Ludmila Sergei Tatiana Vasily Galina Bogdan Yaroslav Zoya Ruslan Iryna
Siddharth Lakshmi Venkatesh Padma Arvind Kavitha Ramesh Sunita Harpreet Gurdeep Anjali Nikhil Deepak Meena Suresh
Thabo Naledi Sipho Nomsa Kagiso Lerato Chinedu Ngozi Emeka Adaeze Folake Babatunde Kwabena Abena Kofi Akosua Wanjiru
Otieno Achieng Kamau Njeri Mwangi Desta Tigist Bekele Almaz Somchai Malee Anong Kittisak Nguyet Thanh Linh Quang
Eleni Kostas Despina Stavros Giannis Vasiliki Arash Parisa Farhad Shirin Behrouz Mahsa Levan Nino Ketevan Giorgi
Moana Tane Aroha Wiremu Kailani Keoni Leilani Sione Mele Tevita Fetu Itzel Citlali Cuauhtemoc Yaretzi Nizhoni Ahiga
"""
OWN_LAST = """
Wang Zhang Huang Zhao Zhou Wu Xu Sun Zhu Gao Guo Luo Zheng Liang Xie Tang Deng Feng Cheng Cao Peng Zeng Xiao Tian
Ouyang Sima Kim Park Choi Jung Kang Cho Yoon Jang Lim Han Oh Seo Shin Kwon Hwang Ahn Song Yoo Hong Namgung
Sato Suzuki Takahashi Watanabe Ito Yamamoto Nakamura Kobayashi Kato Yoshida Yamada Sasaki Yamaguchi Matsumoto Inoue
Al-Masri El-Sayed Haddad Khoury Al-Rashid Mansour Nasser Abdallah Al-Farsi Bakri Shaheen Qureshi Siddiqui Chaudhry
Ivanov Petrova Smirnov Kuznetsova Popov Sokolova Lebedev Kozlova Novikov Morozova Shevchenko Kovalenko Bondarenko
Iyer Nair Reddy Rao Chatterjee Banerjee Mukherjee Desai Mehta Joshi Kulkarni Patil Gill Sandhu Dhillon Pillai Menon
Dlamini Nkosi Ndlovu Mokoena Okafor Okonkwo Eze Adeyemi Balogun Mensah Owusu Boateng Kariuki Odhiambo Tesfaye Abebe
Nguyen Tran Pham Hoang Phan Vo Dang Bui Ngo Duong Saetang Wongsawat Chaiyaporn Papadopoulos Georgiou Nikolaidis
Hosseini Ahmadi Karimi Moradi Rahimi Beridze Kapanadze Tuilagi Faleolo Kahananui Begay Yazzie Tsosie O'Rourke MacLeod
"""
TITLES = [
    "Mr",
    "Mr.",
    "Mrs",
    "Mrs.",
    "Ms",
    "Ms.",
    "Miss",
    "Dr",
    "Dr.",
    "Prof",
    "Prof.",
    "Sir",
    "Dame",
    "Rev.",
    "Sgt.",
    "Capt.",
    "Officer",
    "Judge",
    "Justice",
    "Nurse",
    "Sister",
    "Fr.",
    "Herr",
    "Frau",
    "Mme",
    "M.",
    "Señor",
    "Señora",
    "Sra.",
    "Sig.",
    "Hon.",
    "Lt.",
    "Det.",
    "Deputy",
    "Councillor",
    "Senator",
    "Mx.",
    "Master",
    "Coach",
    "Chef",
]
SUFFIXES = ("Jr.", "Sr.", "III", "II", "IV", "Jr", "Esq.", "MD", "RN", "PhD", "PE", "CPA")
STREETS_END = {
    "us": [
        "St",
        "Street",
        "Ave",
        "Avenue",
        "Rd",
        "Road",
        "Blvd",
        "Boulevard",
        "Ln",
        "Lane",
        "Dr",
        "Drive",
        "Ct",
        "Court",
        "Pl",
        "Place",
        "Way",
        "Ter",
        "Terrace",
        "Cir",
        "Circle",
        "Hwy",
        "Highway",
        "Pkwy",
        "Parkway",
        "Sq",
        "Trail",
        "Trl",
        "Loop",
        "Run",
        "Path",
        "Crossing",
        "Pike",
        "Row",
        "Plaza",
        "Alley",
        "Bend",
        "Ridge",
        "Point",
        "Cove",
        "Hollow",
        "Pass",
        "Springs",
        "Valley",
        "Vista",
        "Glen",
        "Green",
        "Manor",
        "Park",
        "View",
        "Walk",
    ],
    "uk": [
        "Road",
        "Street",
        "Lane",
        "Avenue",
        "Close",
        "Crescent",
        "Drive",
        "Gardens",
        "Grove",
        "Hill",
        "Mews",
        "Place",
        "Rise",
        "Square",
        "Terrace",
        "Way",
        "Row",
        "Court",
        "Walk",
        "Green",
        "Parade",
        "Wharf",
        "Yard",
        "Quay",
        "Mount",
        "Croft",
        "Fold",
        "Gate",
        "View",
        "Park",
        "Broadway",
        "Vale",
    ],
}
STREET_WORDS = """
Oak Maple Cedar Pine Elm Birch Walnut Chestnut Willow Spruce Poplar Sycamore Magnolia Hickory Aspen Laurel Juniper Main
High Station Church Mill School Park Market Bridge Spring River Lake Hill Valley Meadow Forest Garden Orchard Farm Field
North South East West Upper Lower Old New Little Great King Queen Prince Victoria Albert George Edward Washington Lincoln
Jefferson Madison Jackson Franklin Grant Sherman Union Liberty Independence Constitution Commerce Industrial Airport
College University Academy Chapel Abbey Priory Castle Manor Grange Cottage Windmill Harbour Ocean Beach Bay Cliff Sunset
Sunrise Lakeview Hillcrest Ridgewood Fairview Greenfield Brookside Riverside Woodland Stonebridge Silver Golden Red White
Black Fox Deer Eagle Hawk Swan Heron Bear Wolf Raven First Second Third Fourth Fifth Sixth Seventh Eighth Ninth Tenth
Quarry Foundry Tannery Saddlers Weavers Coopers Bakers Butchers Priest Vicarage Rectory Wellington Nelson Trafalgar
"""
STREET_OWN = [
    "{n} rue de la {w}",
    "{n}, rue {l}",
    "{n} bis avenue du {w}",
    "{n} boulevard {l}",
    "{W}straße {n}",
    "{L}str. {n}",
    "{W}weg {n}",
    "Am {W}platz {n}",
    "{L}gasse {n}/{n}",
    "Calle {l} {n}",
    "C/ {l}, {n}, {n}º B",
    "Avenida {l} {n}",
    "Av. {l} {n}, Piso {n}",
    "Via {l} {n}",
    "Viale {l}, {n}",
    "Piazza {l} {n}",
    "Corso {l} {n}",
    "{L}straat {n}",
    "{W}laan {n}",
    "{L}gracht {n}-{n}",
    "Rua {l}, {n}",
    "Rua das {w}s {n}",
    "Travessa {l}, nº {n}",
    "ul. {l} {n}/{n}",
    "ulica {l} {n}",
    "al. {l} {n}",
    "{L}gatan {n}",
    "{W}vägen {n}",
    "{W}vej {n}",
    "{L}gade {n}, {n}. tv",
    "{W}veien {n}",
    "{L}katu {n} A {n}",
    "{l} utca {n}",
    "{l} u. {n}.",
    "Str. {l} nr. {n}",
    "Strada {l} {n}, bl. {a}{n}",
    "{l} Caddesi No: {n}",
    "{l} Sok. No:{n} D:{n}",
    "Jalan {l} No. {n}",
    "H.No. {n}-{n}, {l} Nagar",
    "D.No. {n}/{n}, {w} Street",
    "Door No {n}, {l} Colony",
    "Plot No. {n}, Sector {n}, {l}",
    "Flat No. {n}, {l} Towers",
    "House {n}, Road {n}, Block {a}, {l}",
    "Jl. {l} {n}",
    "Flat {n}, {l} Apartments, {n} {w} Nagar",
    "House No. {n}, Sector {n}",
    "Plot {n}, {l} Enclave",
    "H.No {n}-{n}-{n}, {w} Colony",
    "{n}/{a}, {l} Layout, {n}th Cross",
    "Door No. {n}, {l} Street",
    "{n} {l} Road, Block {n} #{n}-{n}",
    "Unit {n}, {n} {w} Towers",
    "{n}-{n}-{n} {w}-cho",
    "{n} Đường {l}",
    "Blk {n} {l} Ave {n} #{n}-{n}",
    "Flat {a}, {n}/F, {w} Mansion, {n} {l} Road",
    "Villa {n}, {l} Street",
    "P.O. Box {n}, {w} Road",
    "Stand {n}, {l} Crescent",
    "{n} {l} Str, Unit {n}",
    "Erf {n} {w} Road",
]
CITY_OWN = """
Shenzhen|Chengdu|Hangzhou|Busan|Incheon|Daegu|Sapporo|Kobe|Nagoya|Fukuoka|Lahore|Karachi|Dhaka|Chittagong|Pune|Nagpur|
Kochi|Indore|Surat|Lucknow|Bhopal|Durban|Pretoria|Soweto|Nairobi|Mombasa|Kampala|Accra|Kumasi|Ibadan|Enugu|Kano|Addis Ababa|
Amman|Beirut|Muscat|Sharjah|Doha|Jeddah|Tbilisi|Yerevan|Kharkiv|Odesa|Lviv|Minsk|Thessaloniki|Patras|Hanoi|Da Nang|Cebu City|
Davao|Bandung|Surabaya|Penang|Johor Bahru|Chiang Mai|Auckland|Hamilton|Dunedin|Suva|Apia
"""
CITY_MAKE = [
    "ville",
    "town",
    "ton",
    "burg",
    "field",
    "ford",
    "port",
    "haven",
    "wood",
    "dale",
    "mouth",
    "bury",
    "ham",
    "stead",
    "bridge",
    "brook",
    "view",
    "ridge",
    "land",
    "springs",
    "shire",
]
US_STATES = [
    "AL",
    "AK",
    "AZ",
    "AR",
    "CA",
    "CO",
    "CT",
    "DE",
    "FL",
    "GA",
    "HI",
    "ID",
    "IL",
    "IN",
    "IA",
    "KS",
    "KY",
    "LA",
    "ME",
    "MD",
    "MA",
    "MI",
    "MN",
    "MS",
    "MO",
    "MT",
    "NE",
    "NV",
    "NH",
    "NJ",
    "NM",
    "NY",
    "NC",
    "ND",
    "OH",
    "OK",
    "OR",
    "PA",
    "RI",
    "SC",
    "SD",
    "TN",
    "TX",
    "UT",
    "VT",
    "VA",
    "WA",
    "WV",
    "WI",
    "WY",
    "DC",
]
US_STATE_NAMES = [
    "Alabama",
    "Alaska",
    "Arizona",
    "California",
    "Colorado",
    "Connecticut",
    "Florida",
    "Georgia",
    "Hawaii",
    "Idaho",
    "Illinois",
    "Indiana",
    "Iowa",
    "Kansas",
    "Kentucky",
    "Maine",
    "Maryland",
    "Massachusetts",
    "Michigan",
    "Minnesota",
    "Missouri",
    "Montana",
    "Nebraska",
    "Nevada",
    "New Jersey",
    "New Mexico",
    "New York",
    "North Carolina",
    "Ohio",
    "Oklahoma",
    "Oregon",
    "Pennsylvania",
    "Tennessee",
    "Texas",
    "Utah",
    "Vermont",
    "Virginia",
    "Washington",
    "Wisconsin",
]
REGIONS = [
    "NSW",
    "VIC",
    "QLD",
    "WA",
    "SA",
    "TAS",
    "ACT",
    "NT",
    "ON",
    "BC",
    "AB",
    "QC",
    "MB",
    "SK",
    "NS",
    "NB",
    "Kent",
    "Surrey",
    "Essex",
    "Norfolk",
    "Co. Cork",
    "Co. Mayo",
    "Fife",
]
COUNTRIES = [
    "Germany",
    "France",
    "Spain",
    "Italy",
    "Poland",
    "Canada",
    "Australia",
    "India",
    "China",
    "Japan",
    "Brazil",
    "Mexico",
    "Kenya",
    "Nigeria",
    "South Africa",
    "Sweden",
    "Norway",
    "Denmark",
    "Finland",
    "Ireland",
    "United Kingdom",
    "UK",
    "USA",
    "United States",
    "Netherlands",
    "Belgium",
    "Austria",
    "Switzerland",
    "Portugal",
    "Turkey",
    "Greece",
    "Egypt",
    "Morocco",
    "Vietnam",
    "Thailand",
    "Indonesia",
    "Philippines",
    "New Zealand",
    "Argentina",
    "Chile",
    "Colombia",
    "Peru",
]
ORG_ENDS = [
    "Inc.",
    "Inc",
    "LLC",
    "Ltd",
    "Ltd.",
    "PLC",
    "GmbH",
    "AG",
    "S.A.",
    "S.p.A.",
    "B.V.",
    "AB",
    "Oy",
    "Corp.",
    "Corporation",
    "Group",
    "Holdings",
    "Partners",
    "& Sons",
    "& Co.",
    "Bank",
    "Credit Union",
    "Insurance",
    "Logistics",
    "Foods",
    "Systems",
    "Software",
    "Pharma",
    "Hospital",
    "Clinic",
    "Medical Center",
    "University",
    "Institute",
    "College",
    "High School",
    "Foundation",
    "Industries",
    "Motors",
    "Energy",
    "Airlines",
    "Hotels",
    "Law LLP",
    "Consulting",
    "Solutions",
    "Trust",
    "Council",
    "Steelworks",
    "Shipping",
    "Press",
    "Media",
    "Laboratories",
    "Aerospace",
    "Department",
    "Ministry",
    "Association",
    "Union",
    "Church",
    "Theatre",
    "Museum",
    "FC",
]
ORG_WORDS = [
    "Apex",
    "Summit",
    "Northern",
    "Pacific",
    "Atlantic",
    "Global",
    "National",
    "United",
    "First",
    "Royal",
    "Allied",
    "Central",
    "Pioneer",
    "Vertex",
    "Quantum",
    "Nova",
    "Stellar",
    "Delta",
    "Omega",
    "Blue",
    "Green",
    "Red",
    "Silver",
    "Golden",
    "Crystal",
    "Prime",
    "Metro",
    "Urban",
    "Coastal",
    "Alpine",
    "Horizon",
    "Beacon",
    "Harbor",
    "Legacy",
    "Heritage",
    "Liberty",
    "Patriot",
    "Crown",
    "Regal",
    "Imperial",
    "Continental",
    "Trans",
    "Inter",
    "Euro",
    "Nordic",
    "Baltic",
    "Andean",
    "Sahara",
    "Lotus",
    "Falcon",
]


@dataclass(frozen=True)
class Values:
    """Build-side values by locale."""

    given: dict[str, list[str]]
    last: dict[str, list[str]]
    cities: dict[str, list[str]]
    streets: dict[str, list[str]]


def load_values(held_out: frozenset[str], seed: int = 5, each: int = 700) -> Values:
    """Draws each locale's values once; no word of `held_out` (case-folded) is among them."""
    given, last, cities, streets = {}, {}, {}, {}
    for locale in sorted(set(LOCALES) - {"own"}):
        faker = Faker(locale)
        faker.seed_instance(seed)
        given[locale] = _draw(faker, "first_name", each, held_out)
        last[locale] = _draw(faker, "last_name", each, held_out)
        cities[locale] = _draw(faker, "city", each // 3, held_out)
        streets[locale] = _draw(faker, "street_address", each // 2, held_out)
    given["own"], last["own"] = _keep(OWN_GIVEN.split(), held_out), _keep(OWN_LAST.split(), held_out)
    cities["own"] = _keep([one.strip() for one in CITY_OWN.replace("\n", "").split("|")], held_out)
    return Values(given, last, cities, streets)


def _draw(faker: Faker, what: str, count: int, held_out: frozenset[str]) -> list[str]:
    found: set[str] = set()
    with contextlib.suppress(AttributeError):
        found = {str(getattr(faker, what)()).replace("\n", ", ") for _ in range(count)}
    return _keep(sorted(found), held_out)


def _keep(values: list[str], held_out: frozenset[str]) -> list[str]:
    latin = [
        one
        for one in values
        if one and all(ord(sign) < 0x250 or sign in "’ẤấạảắằếềểễệỉịọỏốồổộớờởợụủứừửữựỳỵỷỹĐđ" for sign in one)
    ]
    return [
        one
        for one in latin
        if not {part.casefold() for part in one.replace("-", " ").replace(",", " ").split()} & held_out
    ]


def shuffle(values: list[str], seed: int) -> list[str]:
    """The values in another, fixed order."""
    return random.Random(seed).sample(values, len(values))
