"""What all faults on AWS share: an act has a Ref as its target, and what they need is said once."""

from collections.abc import Sequence
from typing import ClassVar, Final, Generic, TypeVar

from msgspec import convert

from chaos_runner.contracts import Act, Fault, Right, Setting
from chaos_runner.errors import Refused
from chaos_runner.mark import Mark
from chaos_runner.targets.aws.access import Account
from chaos_runner.targets.aws.choosing import Placed
from chaos_runner.targets.aws.marks import RUN
from chaos_runner.targets.aws.policy import Demand, demands
from chaos_runner.targets.aws.refs import Kind, Ref
from chaos_runner.targets.aws.rights import Permissions, check_rights, rights, tagging, unchecked

NEEDS: Final = "an AWS account, and the right to change what is hit there"
T = TypeVar("T", bound=Placed)
A = TypeVar("A")


class AwsFault(Fault[T, A], Generic[T, A]):
    """A fault on things of one kind."""

    kind: ClassVar[Kind]
    permissions: ClassVar[Permissions]
    """What it needs for each of its verbs, tagging aside."""
    needs = NEEDS

    @property
    def name(self) -> str:
        """Its name on the shelf: that of its file."""
        return f"aws.{type(self).__module__.rpartition('.')[2]}"

    @property
    def all_permissions(self) -> Permissions:
        """What it needs for each of its verbs, with our tags on what it hits. What cannot be undone is not tagged."""
        if self.healed_by:
            return self.permissions
        return Permissions(*(own + more for own, more in zip(self.permissions, tagging(self.kind), strict=True)))

    def permissions_on(self, ref: Ref) -> Permissions:  # noqa: ARG002 -- for those who override it
        """What of them it needs for this very thing."""
        return self.all_permissions

    def rights(self, act: Act) -> list[Right]:
        ref = ref_of(act)
        return rights(ref.at(), self.permissions_on(ref), ref, self.kind, act.do.get("how", {}))

    def notes(self, acts: Sequence[Act]) -> list[str]:
        ref = ref_of(acts[0])
        found = unchecked(ref.at(), self.permissions_on(ref))
        said = ", ".join(dict.fromkeys(found))
        return [(f"AWS does not tell beforehand whether this is allowed: {said} (it would with "
                 "iam:SimulatePrincipalPolicy)")] if found else []

    def demands(self, target: T) -> list[Demand]:
        """All that it needs for this target, without asking AWS: for a policy that has no more."""
        return demands(self.all_permissions, self.kind, target)

    def check_allowed(self, refs: Sequence[Ref], setting: Setting) -> None:
        """Raises Refused when this identity may not do it to all of these, and undo it; not where it is only looked."""
        for ref in () if setting.looking else refs:
            check_rights(rights(ref.at(), self.permissions_on(ref), ref, self.kind))


def ref_of(act: Act) -> Ref:
    """The thing that an act is on."""
    return convert(act.target, Ref)


def check_free(ref: Ref, tags: dict[str, str]) -> None:
    """Raises Refused for what bears a mark of ours already."""
    if RUN in tags:
        raise Refused(f"{ref.label} already bears a mark of chaos-runner, {tags[RUN]}: one fault at a time on one "
                      "thing; `chaos-runner recover --scan aws` undoes what a dead run left")


def check_credentials(at: Account, mark: Mark) -> None:
    """Raises Refused for credentials that end before the run can be over, its undo included."""
    ends = at.ends()
    if ends is not None and not mark.expired(ends):
        raise Refused(f"these credentials end at {ends:%Y-%m-%d %H:%M} UTC, and the run, its undo included, may last "
                      f"until {mark.expires}: sign in anew")
