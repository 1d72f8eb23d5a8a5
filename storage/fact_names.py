"""The names of a fact's tables and columns, for the statements of every module that writes or reads
facts.
"""

from __future__ import annotations

from contract.frames import FrameContract
from storage.schema import quoted


class Names:
    """The names of one fact's tables and columns for statements, all from contract.frames."""

    def __init__(self, contract: FrameContract) -> None:
        # what a file sent again whole takes back without a word
        self.may_be_implied = contract.name in ("sales", "supply")
        columns = [quoted(name) for name in contract.schema]
        key = [quoted(name) for name in contract.key]
        beside_key = [name for name in columns if name not in key]
        values = [name for name in beside_key if name != quoted("known_at")]
        self._names = {
            "now": quoted(contract.name),
            "before": quoted(f"{contract.name}_superseded"),
            "again": quoted(f"{contract.name}_confirmed"),
            "columns": ", ".join(columns),
            "key": ", ".join(key),
            "key_by_number": ", ".join(key).replace(quoted("unique_id"), "number"),
            "last_day": quoted("to_ds" if "to_ds" in contract.schema else "ds"),
            "values": f"row({', '.join(values)})",
            "i_columns": ", ".join(f"i.{name}" for name in columns),
            "i_values": f"row({', '.join(f'i.{name}' for name in values)})",
            "c_values": f"row({', '.join(f'c.{name}' for name in values)})",
            "s_columns": ", ".join(f"s.{name}" for name in columns),
            "e_key": ", ".join(f"e.{name}" for name in key),
            "s_key": ", ".join(f"s.{name}" for name in key),
            "gone_key_is_key": " and ".join(f"gone.{name} = statements.{name}" for name in key),
            "s_values_alone": ", ".join(f"s.{name}" for name in values),
            "version_columns": ", ".join(
                "moment" if name == quoted("known_at") else name for name in columns
            ),
            "v_key_is_s_key": " and ".join(f"v.{name} = s.{name}" for name in key),
            "e_key_is_s_key": " and ".join(f"e.{name} = s.{name}" for name in key),
            "t_assigned": ", ".join(f"{name} = t.{name}" for name in beside_key),
            "c_key_is_t_key": " and ".join(f"c.{name} = t.{name}" for name in key),
        }

    def fill(self, statement: str) -> str:
        """The statement with its names in place."""
        return statement.format(**self._names)
