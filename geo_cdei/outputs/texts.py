"""The words of the pages, in Chinese and in English.

What a reader sees and no table holds stands here, so that a page is in one language throughout. A word is
asked for by its key; a key that is not here is a fault of the program, not of the data.
"""

from __future__ import annotations

from collections.abc import Iterable

from geo_cdei.errors import OutputError

__all__ = ["INTERFACE", "LANGUAGES", "word", "words"]

LANGUAGES = ("zh", "en")

_WORDS: dict[str, tuple[str, str]] = {
    # controls
    "themes": ("专题", "Theme"),
    "overlays": ("叠加图层", "Overlays"),
    "legend": ("图例", "Legend"),
    "n_units": ("单元数", "Units"),
    "search": ("查找城市（中文或英文名）", "Find a city (Chinese or English)"),
    "no_match": ("没有找到", "No match"),
    "map_label": ("地图：方向键移动，加减号缩放", "Map: arrow keys pan, plus and minus zoom"),
    "zoom_in": ("放大", "Zoom in"),
    "zoom_out": ("缩小", "Zoom out"),
    "home": ("回到初始范围", "Back to the first view"),
    "fullscreen": ("全屏", "Full screen"),
    "leave_fullscreen": ("退出全屏", "Leave full screen"),
    "png": ("导出 PNG 图片", "Save as PNG"),
    "png_failed": ("图片导出失败", "The picture could not be made"),
    "close": ("关闭", "Close"),
    # legend
    "not_scored": ("未评分", "not scored"),
    "isolate": ("无邻接单元", "isolate"),
    "outside": ("不属于任何城市群", "outside the clusters"),
    "unscored_cluster": ("城市群无评分成员", "cluster without a scored member"),
    "scheme": ("{scheme}，{k} 级，含上限", "{scheme}, {k} classes, upper bounds included"),
    "FisherJenks": ("Fisher-Jenks 自然断点", "Fisher-Jenks natural breaks"),
    "Quantiles": ("分位数", "Quantiles"),
    "EqualInterval": ("等间距", "Equal intervals"),
    "NaturalBreaks": ("自然断点", "Natural breaks"),
    "HeadTailBreaks": ("头尾断点", "Head/tail breaks"),
    "StdMean": ("均值-标准差", "Mean and standard deviations"),
    "UserDefined": ("自定义断点", "Given breaks"),
    # fields and layers
    "score": ("得分", "Score"),
    "rank": ("位次", "Rank"),
    "tier": ("等级", "Tier"),
    "province": ("所属省份", "Province"),
    "cluster": ("城市群", "Cluster"),
    "scale_2020": ("数字经济规模 2020（亿元）", "Digital economy 2020 (100 m yuan)"),
    "gdp_2019": ("GDP 2019（亿元）", "GDP 2019 (100 m yuan)"),
    "gdp_check": ("GDP 核对", "GDP check"),
    "n_scored": ("已评分成员", "Scored members"),
    "n_members": ("成员", "Members"),
    "adcode": ("行政区划代码", "Adcode"),
    "theme_score": ("城市得分", "City score"),
    "theme_tier": ("城市等级", "City tier"),
    "theme_cluster": ("城市群加权得分", "Weighted cluster score"),
    "clusters": ("城市群边界", "City clusters"),
    "provinces": ("省级界线", "Provinces"),
    "names": ("主要城市", "Major cities"),
    "一线": ("一线", "First tier"),
    "新一线": ("新一线", "New first tier"),
    "二线": ("二线", "Second tier"),
    "三线": ("三线", "Third tier"),
    "四线": ("四线", "Fourth tier"),
    "dash_line": ("南海断续线", "Dash line"),
    # values that the tables hold as keys
    "confirmed": ("已核实", "confirmed"),
    "sum confirmed": ("合计已核实", "sum confirmed"),
    "related figure agrees": ("相关数字吻合", "related figure agrees"),
    "unconfirmed": ("未核实", "unconfirmed"),
    # what a page shows, and where its numbers come from
    "page_scores": (
        "城市得分、等级与城市群加权得分",
        "City scores, tiers and weighted cluster scores",
    ),
    "note_weighting": (
        "权重 {weights} 由 {n} 个已公布的城市群得分反推，原书未说明；均方根误差 {rmse}"
        "（其他权重：{rivals}）；GDP 不确定性下的区间：{interval}",
        "The weights {weights} are inferred from {n} published cluster scores, not documented: RMSE {rmse} "
        "(rivals: {rivals}); interval under GDP uncertainty: {interval}",
    ),
    "note_national": (
        "全国平均：按 {weights} 加权 {weighted}，不加权 {unweighted}",
        "National mean: {weighted} weighted by {weights}, {unweighted} unweighted",
    ),
    "page_lisa": ("空间自相关：LISA 与热点", "Spatial autocorrelation: LISA and hot spots"),
    "theme_lisa_significant": ("局部 Moran，p ≤ 0.05", "Local Moran, p ≤ .05"),
    "theme_lisa_significant_fdr": ("局部 Moran，FDR 校正", "Local Moran, after FDR"),
    "theme_spot_significant": ("热点 Gi*，p ≤ 0.05", "Hot spots Gi*, p ≤ .05"),
    "theme_spot_significant_fdr": ("热点 Gi*，FDR 校正", "Hot spots Gi*, after FDR"),
    "lisa_HH": ("高-高", "high-high"),
    "lisa_LL": ("低-低", "low-low"),
    "lisa_LH": ("低-高（自身低，周围高）", "low-high (low among high)"),
    "lisa_HL": ("高-低（自身高，周围低）", "high-low (high among low)"),
    "lisa_unstable": ("显著但随邻接方式而变", "significant, but not over most graphs"),
    "lisa_ns": ("不显著", "not significant"),
    "lisa_undefined": ("无法检验", "not tested"),
    "lisa_isolate": ("无邻接单元", "isolate"),
    "lisa_hot": ("热点", "hot spot"),
    "lisa_cold": ("冷点", "cold spot"),
    "quadrant": ("象限（不论显著与否）", "Quadrant (significant or not)"),
    "z_score": ("得分（标准差）", "Score (standard deviations)"),
    "lag": ("邻居平均（标准差）", "Mean of neighbors (standard deviations)"),
    "stability": ("七种邻接方式中保持类别的比例", "Share of seven graphs that keep the class"),
    "moran_scatter": ("Moran 散点图", "Moran scatterplot"),
    "note_lisa": (
        "邻接：{graph}；双侧条件置换 {permutations} 次，种子 {seed}；类别须在七种邻接方式中的至少 {share} 保持，"
        "否则单列；p ≤ 0.05 未作多重比较校正，FDR 为 Benjamini-Hochberg；同一截面的关联，不是因果",
        "Graph: {graph}; {permutations} two-sided conditional permutations, seed {seed}; a class held by fewer than "
        "{share} of the graphs is shown apart; p ≤ .05 is not corrected for many tests, FDR is Benjamini-Hochberg; "
        "one cross-section, no causes",
    ),
    # printed maps
    "albers": (
        "投影：阿尔伯斯等积圆锥投影，标准纬线 25°N、47°N，中央经线 105°E",
        "Projection: Albers equal-area conic, 25°N and 47°N, 105°E",
    ),
    "north": ("北", "N"),
    "km": ("{n} 千米", "{n} km"),
    "scale_standard": ("标准纬线（25°N、47°N）处", "true along 25°N and 47°N"),
    "scale_centre": ("图幅中心处", "true at the centre of the map"),
    "south_china_sea": ("南海诸岛", "South China Sea Islands"),
    "dongsha": ("东沙群岛", "Dongsha Is."),
    "xisha": ("西沙群岛", "Xisha Is."),
    "zhongsha": ("中沙群岛", "Zhongsha Is."),
    "nansha": ("南沙群岛", "Nansha Is."),
    "diaoyu": ("钓鱼岛", "Diaoyu I."),
    "chiwei": ("赤尾屿", "Chiwei I."),
    "surroundings": ("{name}及周边", "{name} and surroundings"),
    "counted_in": (
        "单元数只计{name}（{n} 个）；分级按全国",
        "Units are counted in {name} only ({n}); classes are those of the whole country",
    ),
    "membership": ("成员归属依据", "Basis of the membership"),
    "official": ("官方规划", "official plan"),
    "widely used": ("通行说法", "widely used"),
    "our reconstruction": ("本研究推定", "our reconstruction"),
    "cluster_names": ("城市群名称", "Names of the clusters"),
    "focus": ("范围", "Extent"),
    "side_by_side": ("两图并列，平移与缩放同步", "Two maps side by side, moving together"),
    "page_pattern": ("“4+N”格局：城市群的角色", "The 4+N pattern: roles of the clusters"),
    "theme_role": ("检验所得角色（加权）", "Role by evidence (weighted)"),
    "theme_role_unweighted": ("检验所得角色（不加权）", "Role by evidence (unweighted)"),
    "theme_book_role": ("原书所称角色", "Role in the blue book"),
    "role_pole": ("增长极", "pole"),
    "role_pole (core-dependent)": ("增长极（依赖核心城市）", "pole (core-dependent)"),
    "role_contender": ("竞争者", "contender"),
    "role_other": ("其他", "other"),
    "role_untested": ("未检验（评分城市少于三个）", "untested (fewer than three scored)"),
    "role_named as growing": ("点名为快速成长", "named as growing"),
    "role_none": ("未提及", "not named"),
    "type": ("类型", "Type"),
    "type_surface": ("面状（成员普遍高）", "surface (members high)"),
    "type_single peak": ("单峰（核心高、周围低）", "single peak (high core, low ring)"),
    "type_mixed": ("混合", "mixed"),
    "pattern_score": ("加权得分", "Weighted score"),
    "pattern_top_share": ("情景中居首级的比例", "Share of scenarios in the top class"),
    "pattern_removal_share": ("去掉一城后仍居首级的比例", "Share still on top with a city removed"),
    "pattern_bootstrap_top": ("自助抽样中居首级的比例", "Share of bootstrap draws on top"),
    "pattern_p_region": ("对随机邻接区域的 p", "p against random contiguous regions"),
    "pattern_p_region_fdr": ("同上，FDR 校正", "the same after FDR"),
    "note_pattern_rule": (
        "角色由情景（权重×成员×去掉一城×分级数）按事先定下的规则得出，固定分级数 k = {k}；见 pattern.csv、scenarios.csv",
        "Roles follow from scenarios (weights × membership × removal × classes) by a rule fixed in advance, at k = {k}; "
        "see pattern.csv and scenarios.csv",
    ),
    "note_pattern_gap": (
        "gap 统计量给出的组数：{k}（1 表示未见分组，不等于没有分组）",
        "Groups by the gap statistic: {k} (1 means that no groups are seen, not that there are none)",
    ),
    "note_pattern_regions": (
        "p：与 {draws} 个同样大小的随机邻接区域比较（单侧），种子 {seed}",
        "p: against {draws} random contiguous regions of the same size (one-sided), seed {seed}",
    ),
    # notices
    "sketch": ("示意图（未送审）", "Sketch map, not reviewed"),
    "approval": ("审图号：{number}", "Map approval number: {number}"),
    "nine_of_ten": ("断续线数据含十段中的九段", "The dash line has nine of the ten dashes"),
    "mercator": ("网络墨卡托投影：越往北面积显得越大", "Web Mercator: areas look larger towards the north"),
    "source": ("来源：{source}", "Source: {source}"),
    "date": ("日期：{date}", "Date: {date}"),
}

#: What the scripts of a page ask for.
INTERFACE = (
    "themes", "overlays", "legend", "n_units", "search", "no_match", "map_label", "zoom_in", "zoom_out",
    "home", "fullscreen", "leave_fullscreen", "png", "png_failed", "close",
)  # fmt: skip


def word(key: str, lang: str, **values: object) -> str:
    """Give one word or line in a language.

    Parameters
    ----------
    key : str
        The key of the word.
    lang : {"zh", "en"}
        The language.
    **values : object
        What the line leaves open.

    Returns
    -------
    str
        The word; not yet escaped.

    Raises
    ------
    OutputError
        If there are no words in that language.

    Examples
    --------
    >>> word("sketch", "zh"), word("date", "en", date="2026-01-31")
    ('示意图（未送审）', 'Date: 2026-01-31')
    """
    if lang not in LANGUAGES:
        raise OutputError(f"a page is written in one of {LANGUAGES}, got {lang!r}. Set the language to zh or en.")
    return _WORDS[key][LANGUAGES.index(lang)].format(**values)


def words(keys: Iterable[str], lang: str) -> dict[str, str]:
    """Give several words in a language, by their keys.

    Parameters
    ----------
    keys : iterable of str
        Keys of words.
    lang : {"zh", "en"}
        The language.

    Returns
    -------
    dict of str to str
        The words; a key that has no word stands for itself.

    Examples
    --------
    >>> words(["confirmed", "estimated"], "zh")
    {'confirmed': '已核实', 'estimated': 'estimated'}
    """
    return {key: word(key, lang) if key in _WORDS else key for key in keys}
