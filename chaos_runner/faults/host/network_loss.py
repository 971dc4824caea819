"""host.network_loss: a share of the packets that leave an interface is lost; undo lets all of them go again."""

from msgspec import Struct

from chaos_runner.contracts import Act, Band, Example, Setting, Share
from chaos_runner.errors import Refused
from chaos_runner.faults.host._netem import InterfaceTarget, Netem, NetemFault
from chaos_runner.faults.host._network import chosen, spare_roads


class LossArguments(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which share of the packets is lost. A loss of 100% of everything, of this machine's loopback, or of somebody's
    way to it is refused unless `everything` says that it is meant.
    """

    loss: Share
    everything: bool = False


class NetworkLoss(NetemFault[LossArguments]):
    """Loses some of the packets that leave by an interface, each by chance. Needs Linux with netem, and root."""

    arguments = LossArguments
    band = Band(word="lossy")
    example = Example(target={"interface": "eth0", "to": ["10.0.0.7"]}, arguments={"loss": "10%"})

    def prepare(self, target: InterfaceTarget, arguments: LossArguments, setting: Setting) -> list[Act]:
        if not 0 < arguments.loss <= 1:
            raise Refused("a loss of 0% would lose nothing")
        where = chosen(target.to, target.ports)
        if arguments.loss == 1 and not arguments.everything:
            spare_roads(where, self._machine)
        return self.acts(target.interface, Netem(loss=arguments.loss), where, setting)
