"""Hot reload: from a change of the file to the newer version running, or to the reason why the last good one stays.

What lives here watches files, decides what a change asks for, and swaps versions. What a run then computes is `run`'s.
"""

from hotplate.reload.planner import Build, ReloadPlan, plan_reload
from hotplate.reload.proposal import Proposal
from hotplate.reload.reloader import HotReloader

# Live and Watcher are imported from their modules: they bring watchdog, which a plain run does not need.
__all__ = ["Build", "HotReloader", "Proposal", "ReloadPlan", "plan_reload"]
