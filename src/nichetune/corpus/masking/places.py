"""Places too wide to tell who somebody is: countries, continents, states.

    is_wide_place("Ohio") -> True     is_wide_place("Duluth") -> False

The safe harbour of HIPAA removes every place smaller than a state, and leaves states.
"""

from __future__ import annotations

import re

_WIDE = frozenset(
    one.strip().casefold()
    for one in re.split(
        r"[|\n]",
        """Afghanistan|Albania|Algeria|Andorra|Angola|Argentina|Armenia|Australia|Austria|Azerbaijan|Bahamas|Bahrain|Bangladesh|Barbados
Belarus|Belgium|Belize|Benin|Bhutan|Bolivia|Bosnia|Bosnia and Herzegovina|Botswana|Brazil|Brunei|Bulgaria|Burkina Faso|Burundi|Cambodia
Cameroon|Canada|Chad|Chile|China|Colombia|Congo|Costa Rica|Croatia|Cuba|Cyprus|Czechia|Czech Republic|Denmark|Djibouti|Dominican Republic
Ecuador|Egypt|El Salvador|England|Eritrea|Estonia|Eswatini|Ethiopia|Fiji|Finland|France|Gabon|Gambia|Germany|Ghana|Greece|Grenada|Guatemala
Guinea|Guyana|Haiti|Honduras|Hungary|Iceland|India|Indonesia|Iran|Iraq|Ireland|Northern Ireland|Israel|Italy|Ivory Coast|Jamaica|Japan
Jordan|Kazakhstan|Kenya|Korea|South Korea|North Korea|Kosovo|Kuwait|Kyrgyzstan|Laos|Latvia|Lebanon|Lesotho|Liberia|Libya|Lithuania|Luxembourg
Madagascar|Malawi|Malaysia|Maldives|Mali|Malta|Mauritius|Mexico|Moldova|Monaco|Mongolia|Montenegro|Morocco|Mozambique|Myanmar|Namibia|Nepal
Netherlands|the Netherlands|New Zealand|Nicaragua|Niger|Nigeria|North Macedonia|Norway|Oman|Pakistan|Palestine|Panama|Paraguay|Peru
Philippines|the Philippines|Poland|Portugal|Qatar|Romania|Russia|Rwanda|Samoa|Saudi Arabia|Scotland|Senegal|Serbia|Sierra Leone|Singapore
Slovakia|Slovenia|Somalia|South Africa|Spain|Sri Lanka|Sudan|Suriname|Sweden|Switzerland|Syria|Taiwan|Tajikistan|Tanzania|Thailand|Togo|Tonga
Trinidad|Tunisia|Turkey|Türkiye|Turkmenistan|Uganda|Ukraine|UAE|United Arab Emirates|UK|U.K.|United Kingdom|Great Britain|Britain|US|U.S.|USA|U.S.A.
United States|the United States|America|Uruguay|Uzbekistan|Vanuatu|Venezuela|Vietnam|Wales|Yemen|Zambia|Zimbabwe|EU|European Union|Europe
Asia|Africa|North America|South America|Latin America|Oceania|Antarctica|Middle East|the Middle East|Scandinavia|Balkans|Caribbean|Earth|World
Deutschland|Österreich|Schweiz|España|Italia|Polska|Brasil|México|Sverige|Norge|Danmark|Suomi
Alabama|Alaska|Arizona|Arkansas|California|Colorado|Connecticut|Delaware|Florida|Georgia|Hawaii|Idaho|Illinois|Indiana|Iowa|Kansas|Kentucky
Louisiana|Maine|Maryland|Massachusetts|Michigan|Minnesota|Mississippi|Missouri|Montana|Nebraska|Nevada|New Hampshire|New Jersey|New Mexico
North Carolina|North Dakota|Ohio|Oklahoma|Oregon|Pennsylvania|Rhode Island|South Carolina|South Dakota|Tennessee|Texas|Utah|Vermont|Virginia
Washington State|West Virginia|Wisconsin|Wyoming|Puerto Rico|Ontario|Alberta|British Columbia|Manitoba|Saskatchewan|Nova Scotia|New South Wales
Queensland|South Australia|Western Australia|Tasmania|Bavaria|Bayern|Catalonia|Maharashtra|Gujarat|Karnataka|Punjab|Kerala|Tamil Nadu|Bihar""",
    )
)


def is_wide_place(value: str) -> bool:
    """Whether a place is a state or wider."""
    return value.casefold().strip(" .,") in _WIDE
