"""Changing single fields, and single members of lists, of an object that others write too."""

from typing import Any

from chaos_runner.targets.kubernetes.fields import Field, value_at, with_fields
from chaos_runner.targets.kubernetes.objects import Pod, Taint


def node(*keys: str) -> dict[str, Any]:
    taints = {"taints": [taint(key) for key in keys]} if keys else {}
    return {"metadata": {"resourceVersion": "7"}, "spec": taints}


def taint(key: str, value: str = "") -> dict[str, str]:
    return {"key": key, "effect": "NoSchedule", **({"value": value} if value else {})}


def wanted(key: str, value: Any) -> Field:
    return Field(["spec", "taints", {"key": key, "effect": "NoSchedule"}], value)


def changes(found: Any, *fields: Field) -> list[dict[str, Any]]:
    guard, *rest = with_fields(found, fields)
    assert guard == {"op": "replace", "path": "/metadata/resourceVersion", "value": "7"}
    return rest


def test_a_member_that_is_not_in_the_list_is_added_at_its_end() -> None:
    assert changes(node("a"), wanted("b", taint("b"))) == [
        {"op": "add", "path": "/spec/taints/-", "value": taint("b")}]


def test_a_list_that_is_not_there_is_made_for_its_first_member() -> None:
    assert changes(node(), wanted("b", taint("b"))) == [
        {"op": "add", "path": "/spec/taints", "value": []},
        {"op": "add", "path": "/spec/taints/-", "value": taint("b")}]


def test_a_member_of_that_name_gets_its_new_value_in_its_place() -> None:
    assert changes(node("a", "b"), wanted("b", taint("b", "x"))) == [
        {"op": "replace", "path": "/spec/taints/1", "value": taint("b", "x")}]


def test_members_are_taken_out_from_behind_so_that_no_other_is_hit() -> None:
    assert changes(node("a", "b", "c"), wanted("a", None), wanted("c", None)) == [
        {"op": "remove", "path": "/spec/taints/2"}, {"op": "remove", "path": "/spec/taints/0"}]


def test_a_member_that_is_not_there_needs_no_taking_out() -> None:
    assert changes(node("a"), wanted("b", None)) == []
    assert changes(node(), wanted("b", None)) == []


def test_a_member_is_found_by_what_names_it_alone() -> None:
    found = node("a", "b")
    assert value_at(found, wanted("b", None).path) == taint("b")
    assert value_at(found, ["spec", "taints", {"key": "b", "effect": "NoExecute"}]) is None


def pod(**toleration: Any) -> Pod:
    from msgspec import convert

    return convert({"metadata": {"name": "p"}, "spec": {"tolerations": [toleration]}}, Pod)


def test_a_pod_bears_a_taint_that_it_tolerates_for_good() -> None:
    broken = Taint(key="broken", value="disk", effect="NoExecute")
    assert broken.is_borne_by(pod(operator="Exists"))
    assert broken.is_borne_by(pod(key="broken", operator="Exists", effect="NoExecute"))
    assert broken.is_borne_by(pod(key="broken", value="disk"))


def test_a_pod_does_not_bear_another_taint_nor_one_for_a_while() -> None:
    broken = Taint(key="broken", value="disk", effect="NoExecute")
    assert not broken.is_borne_by(pod(key="broken", value="net"))
    assert not broken.is_borne_by(pod(key="other", operator="Exists"))
    assert not broken.is_borne_by(pod(key="broken", operator="Exists", effect="NoSchedule"))
    assert not broken.is_borne_by(pod(key="broken", operator="Exists", tolerationSeconds=30))
