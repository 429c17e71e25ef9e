"""Critics score pairs: f(x, y) is large where x and y belong together."""

from mistcli.critics.critic import Critic
from mistcli.critics.joint import JointCritic
from mistcli.critics.separable import SeparableCritic

__all__ = ["Critic", "JointCritic", "SeparableCritic"]
