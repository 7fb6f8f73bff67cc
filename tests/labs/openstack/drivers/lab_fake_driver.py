"""Nova's fake hypervisor for a lab with hundreds of servers on a host, which may be restarted.

LAB_SPAWN_SECONDS makes each boot last; a server with `labfail` in its name fails to boot.

At each claim this Nova reads every allocation of the host from placement, which only reshapes and
PCI devices need: N servers cost N * N / 2 requests. There are neither, so it is left out.
"""

import os
import time

from nova import exception
from nova.compute import power_state, vm_states
from nova.scheduler.client import report
from nova.virt import fake

FAILS = "labfail"
RUNNING = (vm_states.ACTIVE, vm_states.RESIZED, vm_states.RESCUED)


def no_allocations(self, context, nodename):
    return {}


report.SchedulerReportClient.get_allocations_for_provider_tree = no_allocations


class LabFakeDriver(fake.FakeDriverWithoutFakeNodes):  # keeps its node's identity on disk
    def spawn(self, context, instance, *args, **kwargs):
        time.sleep(float(os.environ["LAB_SPAWN_SECONDS"]))
        if FAILS in (instance.display_name or ""):
            raise exception.BuildAbortException(
                instance_uuid=instance.uuid, reason="lab: asked to fail"
            )
        return super().spawn(context, instance, *args, **kwargs)

    def plug_vifs(self, instance, network_info):
        # called for every server of the host when the service starts: the guests, which were in
        # memory only, come back here
        if instance.uuid not in self.instances:
            off = instance.power_state or power_state.SHUTDOWN
            state = power_state.RUNNING if instance.vm_state in RUNNING else off
            self.instances[instance.uuid] = fake.FakeInstance(instance.name, state, instance.uuid)
            for vif in network_info or ():
                self._interfaces[vif["id"]] = vif
        return super().plug_vifs(instance, network_info)
