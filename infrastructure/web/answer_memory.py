"""Kept answers in the memory of this process."""

from collections import OrderedDict

from infrastructure.web.answer_cache import AnswerCache, KeptAnswer, Question

_OVERHEAD_BYTES = 1024
"""What an answer takes besides its texts: so many short ones are also bounded in number."""

_LARGEST_SHARE = 8
"""No answer may take more than this part of all the room."""


class MemoryAnswers:
    """Fulfils `AnswerCache` in at most ``most_bytes``; those that were not asked for longest go."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._kept: OrderedDict[Question, tuple[KeptAnswer, int]] = OrderedDict()
        self._bytes = 0

    @property
    def bytes_held(self) -> int:
        """About how much memory it takes."""
        return self._bytes

    async def get(self, question: Question) -> KeptAnswer | None:
        """Give what was kept for exactly this question."""
        found = self._kept.get(question)
        if found is None:
            return None
        self._kept.move_to_end(question)
        return found[0]

    async def put(self, question: Question, answer: KeptAnswer) -> None:
        """Keep an answer, and let others go for it."""
        size = _size(question, answer)
        if size > self._most_bytes // _LARGEST_SHARE:
            return
        if (before := self._kept.pop(question, None)) is not None:
            self._bytes -= before[1]
        self._kept[question] = (answer, size)
        self._bytes += size
        while self._bytes > self._most_bytes:
            _, (_, gone) = self._kept.popitem(last=False)
            self._bytes -= gone


class NearAndFarAnswers:
    """Fulfils `AnswerCache` with one that is near, in front of one that others share."""

    def __init__(self, near: AnswerCache, far: AnswerCache) -> None:
        self._near = near
        self._far = far

    async def get(self, question: Question) -> KeptAnswer | None:
        """Look near, then far; what was far is near from then on."""
        found = await self._near.get(question)
        if found is None and (found := await self._far.get(question)) is not None:
            await self._near.put(question, found)
        return found

    async def put(self, question: Question, answer: KeptAnswer) -> None:
        """Keep it in both."""
        await self._near.put(question, answer)
        await self._far.put(question, answer)


def _size(question: Question, answer: KeptAnswer) -> int:
    headers = sum(len(name) + len(value) for name, value in answer.headers)
    return _OVERHEAD_BYTES + len(question.request) + headers + len(answer.body)
