"""The words of the language in traditional characters: 強制, 節點. Only words are compared so.

A name that somebody gave stays as it is spelled. Pure data.
"""

_TABLE = str.maketrans(
    "強啟啓虛擬機節點會話訂單鏡內網審計設盤數據關開刪動創建這頻緊"
    "試運過濾結狀態錄顯碼減時間員擴復撥從給幫詳條請執權暫蓋稱無鏈盡"
    "別沒誰麼嗎為們煩幾個還問須後樣現裡讓萬應該連壞掛貴錢費帳續",
    "强启启虚拟机节点会话订单镜内网审计设盘数据关开删动创建这频紧"
    "试运过滤结状态录显码减时间员扩复拨从给帮详条请执权暂盖称无链尽"
    "别没谁么吗为们烦几个还问须后样现里让万应该连坏挂贵钱费账续",
)


def simplified(word: str) -> str:
    """A word in simplified characters, as far as the words of the language have them."""
    return word if word.isascii() else word.translate(_TABLE)
