"""Write the JSON Schema that ships with the package: `python .ci/schema.py`."""

import json
from pathlib import Path

from countermand import json_schema

path = Path(__file__).parents[1] / "src/countermand/data/schema.json"
path.write_text(json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8")
