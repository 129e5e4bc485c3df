"""The type definitions of IMDb's API that our queries touch, cut out of its whole schema.

``python -m tests.graphql_types`` writes them anew to ``demo/data/imdb-types.graphql`` after a query
has changed. It reads the schema in ``imdb-graphql/schema.graphql`` of the folder ``../shared``
beside the project, or of the one that ``IMDB_SHARED`` names.
"""

import os
import sys
from collections import defaultdict
from pathlib import Path

from graphql import (
    DocumentNode,
    FieldNode,
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_schema,
    get_named_type,
    is_enum_type,
    is_input_object_type,
    is_interface_type,
    is_object_type,
    is_required_argument,
    is_required_input_field,
    is_scalar_type,
    is_specified_scalar_type,
    is_union_type,
    parse,
    print_type,
    visit,
)
from graphql.language import ArgumentNode, ObjectFieldNode, VariableDefinitionNode
from graphql.utilities import type_from_ast

from domain.details import DetailName
from infrastructure.scrapers.imdb_graphql.detail_queries import part_query, titles_query
from infrastructure.scrapers.imdb_graphql.endpoint import FOLDER, Query

ROOT = Path(__file__).resolve().parents[1]
SCHEMA = Path(
    os.environ.get("IMDB_SHARED") or ROOT.parent / "shared", "imdb-graphql/schema.graphql"
)
TYPES = ROOT / "demo/data/imdb-types.graphql"


def queries() -> dict[str, str]:
    """All queries that we send, by name: those in the files, and those with details."""
    found = {path.stem: Query.named(path.stem).text for path in sorted(FOLDER.glob("*.graphql"))}
    plain = found["titles"]
    for name in DetailName:
        found[f"titles with {name}"] = titles_query(plain, [name])
        found[f"more {name}"] = part_query(name)
    return {**found, "titles with everything": titles_query(plain, tuple(DetailName))}


QUERIES = queries()

_NOTED = "extend type Query { list(id: ID!): List }"

_HEADER = """\
# Types, fields and arguments of IMDb's GraphQL API (as of November 2025) that our queries touch.
# Written by `python -m tests.graphql_types`; not to be changed by hand.
"""


class _Touched(Visitor):
    """Collects the names of what a query touches, by the names of the types."""

    def __init__(self, schema: GraphQLSchema, info: TypeInfo) -> None:
        super().__init__()
        self._schema = schema
        self._info = info
        self.fields: dict[str, set[str]] = defaultdict(set)
        self.arguments: dict[tuple[str, str], set[str]] = defaultdict(set)
        self.plain: set[str] = set()
        self.implements: dict[str, list[str]] = defaultdict(list)
        self.unions: set[str] = set()
        self.interfaces: set[str] = set()

    def enter_field(self, node: FieldNode, *_: object) -> None:
        parent, field = self._info.get_parent_type(), self._info.get_field_def()
        assert parent is not None
        assert field is not None, f"{parent.name} has no field {node.name.value}"
        if node.name.value == "__typename":
            return
        self.fields[parent.name].add(node.name.value)
        self._note(get_named_type(field.type))
        for name, argument in field.args.items():
            if is_required_argument(argument):
                self.arguments[parent.name, node.name.value].add(name)
                self._note(get_named_type(argument.type))

    def enter_argument(self, node: ArgumentNode, *_: object) -> None:
        if self._info.get_directive() is not None:
            return
        parent, field = self._info.get_parent_type(), self._info.get_field_def()
        assert parent is not None
        assert field is not None
        assert field.ast_node is not None
        self.arguments[parent.name, field.ast_node.name.value].add(node.name.value)
        self._note(get_named_type(field.args[node.name.value].type))

    def enter_object_field(self, node: ObjectFieldNode, *_: object) -> None:
        parent = get_named_type(self._info.get_parent_input_type())
        assert parent is not None
        self.fields[parent.name].add(node.name.value)
        self._note(get_named_type(self._info.get_input_type()))

    def enter_variable_definition(self, node: VariableDefinitionNode, *_: object) -> None:
        self._note_all(get_named_type(type_from_ast(self._schema, node.type)))

    def _note_all(self, kind: object) -> None:
        """Note a type with all its fields: what of it a variable has, the query does not say."""
        self._note(kind)
        if is_input_object_type(kind):
            for name, field in kind.fields.items():
                self.fields[kind.name].add(name)
                self._note_all(get_named_type(field.type))

    def _note(self, kind: object) -> None:
        if is_union_type(kind):
            self.unions.add(kind.name)
        if is_interface_type(kind):
            self.interfaces.add(kind.name)
        if is_enum_type(kind) or (is_scalar_type(kind) and not is_specified_scalar_type(kind)):
            self.plain.add(kind.name)
        elif is_input_object_type(kind):
            for name, field in kind.fields.items():
                if is_required_input_field(field):
                    self.fields[kind.name].add(name)
                    self._note(get_named_type(field.type))


def touched_types(schema: GraphQLSchema, queries: list[DocumentNode]) -> str:
    """Write the definitions that valid queries touch: no other field and no other argument."""
    info = TypeInfo(schema)
    touched = _Touched(schema, info)
    for query in queries:
        visit(query, TypeInfoVisitor(info, touched))
    _spread_interfaces(schema, touched)
    return "\n\n".join(
        _cut(schema, touched, name)
        for name in sorted({*touched.fields, *touched.plain, *touched.unions})
    )


def _spread_interfaces(schema: GraphQLSchema, touched: _Touched) -> None:
    """Every type of an interface has its fields; of one that no query names, one is enough."""
    for name in touched.interfaces:
        types = sorted(kind.name for kind in schema.get_possible_types(schema.type_map[name]))
        named = [kind for kind in types if kind in touched.fields] or types[:1]
        for kind in named:
            touched.fields[kind] |= touched.fields[name]
            touched.implements[kind].append(name)
            for field in touched.fields[name]:
                touched.arguments[kind, field] |= touched.arguments[name, field]


def _cut(schema: GraphQLSchema, touched: _Touched, name: str) -> str:
    kind = schema.type_map[name]
    if name in touched.plain:
        return print_type(kind)
    if is_union_type(kind):
        members = [member.name for member in kind.types if member.name in touched.fields]
        return f"union {name} = {' | '.join(sorted(members))}"
    word = "type" if is_object_type(kind) else "input"
    if is_interface_type(kind):
        word = "interface"
    parents = " & ".join(touched.implements[name])
    lines = []
    for field in sorted(touched.fields[name]):
        definition = kind.fields[field]
        taken = sorted(touched.arguments[name, field])
        listed = ", ".join(f"{argument}: {definition.args[argument].type}" for argument in taken)
        lines.append(f"  {field}{f'({listed})' if listed else ''}: {definition.type}")
    implements = f" implements {parents}" if parents else ""
    return "\n".join([f"{word} {name}{implements} {{", *lines, "}"])


def whole_schema() -> str:
    """The API's schema, with the field that the notes beside it know and its text lacks."""
    return f"{SCHEMA.read_text(encoding='utf-8')}\n{_NOTED}"


def written() -> str:
    """The text of the file, from the whole schema and our queries."""
    schema = build_schema(whole_schema())
    documents = [parse(query) for query in QUERIES.values()]
    return f"{_HEADER}\n{touched_types(schema, documents)}\n"


if __name__ == "__main__":
    TYPES.write_text(written(), encoding="utf-8")
    sys.stdout.write(f"{TYPES.relative_to(ROOT)} has been written\n")
