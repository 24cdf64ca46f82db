"""The words in which other people's cases name what the packs name by keys."""

ROUNDINGS = ("floor", "ceil", "proportional")

KEY_CUSTOMER = ("key_customer", "key", "is_key", "is_key_customer", "key_account", "vip", "重点客户")
CUSTOMER = ("customer", "tier", "customer_tier")
TIERS = {
    "key": "key",
    "重点": "key",
    "重点客户": "key",
    "vip": "key",
    "VIP": "key",
    "ordinary": "ordinary",
    "normal": "ordinary",
    "普通": "ordinary",
    "普通客户": "ordinary",
}
DEMAND = ("explicit_demand", "demand", "demand_explicit", "诉求明确")

MANAGER = {"A": "a", "B": "b", "C": "c", "none": "none", "无": "none"}

RETURNS = {
    "partial": "partial",
    "part": "partial",
    "部分": "partial",
    "部分退货": "partial",
    "batch": "batch",
    "full": "batch",
    "批量": "batch",
    "批量退货": "batch",
    "批量性退货": "batch",
}

CHANNELS = {
    "媒体": "media",
    "各级媒体": "media",
    "media": "media",
    "工商": "regulator",
    "工商部门": "regulator",
    "质监": "regulator",
    "质监部门": "regulator",
    "上级主管部门": "regulator",
    "监管部门": "regulator",
    "regulator": "regulator",
    "消协": "consumer_association",
    "消费者协会": "consumer_association",
    "消费者组织": "consumer_association",
    "consumer_association": "consumer_association",
    "总部": "head_office",
    "公司总部": "head_office",
    "公司总部转派": "head_office",
    "总部转派": "head_office",
    "head_office": "head_office",
    "电话": "hotline",
    "热线": "hotline",
    "客服热线": "hotline",
    "hotline": "hotline",
    "在线客服": "online_chat",
    "邮件": "email",
    "电子邮件": "email",
    "email": "email",
    "微信": "wechat",
    "wechat": "wechat",
    "网站": "website",
    "官网": "website",
    "website": "website",
    "短信": "sms",
    "信件": "letter",
    "门店": "store",
    "app": "app",
    "APP": "app",
}

PHENOMENA = {
    "过版纸": "makeready_sheet",
    "混盒": "mixed_boxes",
    "缺失": "missing_print",
    "开胶": "open_glue",
    "蚊虫": "foreign_matter",
    "异物": "foreign_matter",
    "单据": "delivery_papers",
    "标签": "delivery_papers",
    "放行": "released_defect",
    "色差": "released_defect",
    "提醒": "reminder",
    "迟交": "late_delivery",
    "数量": "quantity_dispute",
    "其它": "other",
    "其他": "other",
}
"""What a phenomenon is told by, wherever it stands in its words."""

NO_COMPLAINT = (None, "无", "none", "None", "不构成", "无投诉", "无抱怨")
UNSCORED = ("待客服经理裁定", "待客服经理裁定(无评分)", "待客服经理裁定(未评分)", "待客服经理裁定(无分)")


def phenomenon(said: str) -> str:
    """The option that these words mean. Raises KeyError if they mean none, or several."""
    meant = {option for word, option in PHENOMENA.items() if word in said}
    if len(meant) != 1:
        raise KeyError(said)
    return meant.pop()


def level(said: str | None, *, scored: bool) -> str:
    """The level's title as the pack has it."""
    if said in NO_COMPLAINT:
        return "无"
    plain = str(said).translate(str.maketrans("（）", "()")).replace(" ", "")
    return "待客服经理裁定(无评分)" if not scored and plain in UNSCORED else plain
