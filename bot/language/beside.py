"""What people say beside what they mean, in English and Chinese. Pure data."""

_BESIDE = """
    please pls plz kindly can could you would i we me my our the a an all every do how to into of
    for what is are now just want need let lets hey hi hello thanks thx ok okay yes good sorry
    u ur im ya uh um umm uhm er like so well also btw yeah yep tho whats what's hows with about if
    many long gonna wanna gotta been really actually basically back again asap quick quickly real
    guys folks
    should 可以 能 应该 什么 哪 哪些 哪个 哪台 哪几台 几台
    请 请帮我 帮我 帮忙 麻烦 我的 我们的 所有 全部 有 一下 下 吧 把 给 的 了 现在 想 要 怎么
    如何 这台 那台 这个 那个 掉 上 里 谢谢 你好 好的 好 是的 是 收到
"""
BESIDE = frozenset(_BESIDE.split())
