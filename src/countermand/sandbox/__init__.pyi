# No name here is one of countermand's own, so that a star import shadows nothing.
from .http import SandboxReply as SandboxReply
from .http import SandboxRequest as SandboxRequest
from .ledger import Entry as Entry
from .ledger import Truth as Truth
from .mishaps import LoseReply as LoseReply
from .mishaps import Mishap as Mishap
from .mishaps import RateLimited as RateLimited
from .mishaps import Raw as Raw
from .mishaps import Status as Status
from .mishaps import UnusedMishapsError as UnusedMishapsError
from .orders import ReadyOrder as ReadyOrder
from .orders import seed as seed
from .received import ReceivedRequest as ReceivedRequest
from .sandbox import Sandbox as Sandbox
from .world import World as World
