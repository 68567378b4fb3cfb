"""Units of measure and how English says them."""

from __future__ import annotations

UNITS: dict[str, tuple[str, str]] = {
    "GB": ("gigabyte", "gigabytes"), "MB": ("megabyte", "megabytes"),
    "TB": ("terabyte", "terabytes"), "PB": ("petabyte", "petabytes"),
    "kB": ("kilobyte", "kilobytes"), "KB": ("kilobyte", "kilobytes"),
    "GiB": ("gibibyte", "gibibytes"), "MiB": ("mebibyte", "mebibytes"),
    "KiB": ("kibibyte", "kibibytes"), "TiB": ("tebibyte", "tebibytes"),
    "Gb": ("gigabit", "gigabits"), "Mb": ("megabit", "megabits"), "kb": ("kilobit", "kilobits"),
    "Gbps": ("gigabit per second", "gigabits per second"),
    "Mbps": ("megabit per second", "megabits per second"),
    "kbps": ("kilobit per second", "kilobits per second"),
    "Gbit": ("gigabit", "gigabits"), "Mbit": ("megabit", "megabits"),
    "Hz": ("hertz", "hertz"), "kHz": ("kilohertz", "kilohertz"),
    "MHz": ("megahertz", "megahertz"), "GHz": ("gigahertz", "gigahertz"),
    "W": ("watt", "watts"), "kW": ("kilowatt", "kilowatts"), "MW": ("megawatt", "megawatts"),
    "mW": ("milliwatt", "milliwatts"), "Wh": ("watt hour", "watt hours"),
    "kWh": ("kilowatt hour", "kilowatt hours"), "V": ("volt", "volts"),
    "mV": ("millivolt", "millivolts"),
    "mA": ("milliamp", "milliamps"), "mAh": ("milliamp hour", "milliamp hours"),
    "Ah": ("amp hour", "amp hours"), "dB": ("decibel", "decibels"),
    "nm": ("nanometer", "nanometers"), "mm": ("millimeter", "millimeters"),
    "cm": ("centimeter", "centimeters"), "m": ("meter", "meters"),
    "km": ("kilometer", "kilometers"), "mi": ("mile", "miles"), "ft": ("foot", "feet"),
    "yd": ("yard", "yards"), "m²": ("square meter", "square meters"),
    "km²": ("square kilometer", "square kilometers"),
    "cm²": ("square centimeter", "square centimeters"),
    "m³": ("cubic meter", "cubic meters"), "cm³": ("cubic centimeter", "cubic centimeters"),
    "g": ("gram", "grams"), "kg": ("kilogram", "kilograms"), "mg": ("milligram", "milligrams"),
    "µg": ("microgram", "micrograms"), "μg": ("microgram", "micrograms"),
    "lb": ("pound", "pounds"), "lbs": ("pound", "pounds"), "oz": ("ounce", "ounces"),
    "l": ("liter", "liters"), "L": ("liter", "liters"), "ml": ("milliliter", "milliliters"),
    "mL": ("milliliter", "milliliters"), "cl": ("centiliter", "centiliters"),
    "tbsp": ("tablespoon", "tablespoons"), "tsp": ("teaspoon", "teaspoons"),
    "ns": ("nanosecond", "nanoseconds"), "µs": ("microsecond", "microseconds"),
    "μs": ("microsecond", "microseconds"), "us": ("microsecond", "microseconds"),
    "ms": ("millisecond", "milliseconds"), "s": ("second", "seconds"),
    "sec": ("second", "seconds"), "secs": ("second", "seconds"), "min": ("minute", "minutes"),
    "mins": ("minute", "minutes"), "h": ("hour", "hours"), "hr": ("hour", "hours"),
    "hrs": ("hour", "hours"), "°C": ("degree Celsius", "degrees Celsius"),
    "° C": ("degree Celsius", "degrees Celsius"), "℃": ("degree Celsius", "degrees Celsius"),
    "°F": ("degree Fahrenheit", "degrees Fahrenheit"),
    "° F": ("degree Fahrenheit", "degrees Fahrenheit"), "°": ("degree", "degrees"),
    "px": ("pixel", "pixels"), "fps": ("frame per second", "frames per second"),
    "rpm": ("revolution per minute", "revolutions per minute"),
    "mph": ("mile per hour", "miles per hour"),
    "kph": ("kilometer per hour", "kilometers per hour"),
    "Pa": ("pascal", "pascals"), "hPa": ("hectopascal", "hectopascals"),
    "kPa": ("kilopascal", "kilopascals"), "J": ("joule", "joules"),
    "kJ": ("kilojoule", "kilojoules"),
    "kcal": ("kilocalorie", "kilocalories"), "cal": ("calorie", "calories"),
    "TFLOPS": ("teraflops", "teraflops"), "tok": ("token", "tokens"),
}  # fmt: skip
"""By their exact spelling: mW is not MW, Gb is not GB. `in`, `A`, `K`, `B` and `M` are left out,
since they are more often a word, a grade, a resolution or a model's size."""

PER = {
    "s": "second", "sec": "second", "second": "second", "ms": "millisecond", "min": "minute",
    "minute": "minute", "h": "hour", "hr": "hour", "hour": "hour", "d": "day", "day": "day",
    "week": "week", "month": "month", "mo": "month", "year": "year", "yr": "year", "m": "meter",
    "m²": "square meter", "m³": "cubic meter", "km": "kilometer", "kg": "kilogram", "g": "gram",
    "l": "liter", "L": "liter", "kWh": "kilowatt hour", "token": "token", "user": "user",
    "s²": "second squared",
}  # fmt: skip
_COUNTED = {
    "t": ("token", "tokens"), "token": ("token", "tokens"), "tokens": ("token", "tokens"),
    "req": ("request", "requests"), "request": ("request", "requests"),
    "requests": ("request", "requests"), "frame": ("frame", "frames"),
    "frames": ("frame", "frames"), "word": ("word", "words"), "words": ("word", "words"),
    "ops": ("operation", "operations"), "it": ("iteration", "iterations"),
    "B": ("byte", "bytes"), "b": ("bit", "bits"),
}  # fmt: skip


def unit_words(unit: str, amount: str) -> str:
    """`unit` (`GB`, `km/h`) as it follows `amount`, singular after exactly one."""
    counted, _, per = unit.partition("/")
    one, many = UNITS.get(counted) or _COUNTED[counted]
    word = one if amount == "1" else many
    return f"{word} per {PER[per]}" if per else word
