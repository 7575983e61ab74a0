"""The words of the pages, in Chinese and in English.

What a reader sees and no table holds stands here, so that a page is in one language throughout. A word is
asked for by its key; a key that is not here is a fault of the program, not of the data.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from geo_cdei.errors import OutputError

__all__ = ["INTERFACE", "LANGUAGES", "interaction", "weighting", "word", "words"]

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
    "note_overridden": (
        "注意：{n} 处得分或成员已按 overrides 改动，并非公布的数据",
        "Note: {n} scores or memberships are overridden; these are not the published data",
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
    "page_editions": ("各年版次对照", "Editions side by side"),
    "edition_score": ("{year} 年得分", "Score {year}"),
    "edition_change": ("得分变化 {before}→{after}", "Change of score {before}–{after}"),
    "edition_rank_change": (
        "名次变化 {before}→{after}（正为上升）",
        "Change of rank {before}–{after} (positive: up)",
    ),
    "edition_status": ("升降与进出 {before}→{after}", "Rose, fell, entered, left {before}–{after}"),
    "edition_rose": ("得分上升", "score rose"),
    "edition_same": ("得分不变", "score unchanged"),
    "edition_fell": ("得分下降", "score fell"),
    "edition_entered": ("进入榜单", "entered the list"),
    "edition_once": ("只有一版得分", "scored in one edition only"),
    "edition_left": ("退出榜单（不论升降）", "left the list (rose or fell)"),
    "edition_scatter": (
        "{before} 与 {after} 年得分，各减共有城市均值（线上方：相对上升）",
        "Scores of {before} and {after}, less the mean of the cities in both (above the line: gained on them)",
    ),
    "edition_correlation": (
        "Spearman {spearman}，Kendall {kendall}（{n} 城）",
        "Spearman {spearman}, Kendall {kendall} ({n} cities)",
    ),
    "edition_few": ("两版共有 {n} 城，不足以计算秩相关", "{n} cities in both: too few for a correlation of ranks"),
    "Common": ("各年统一分级", "the same classes every year"),
    "Symmetric": ("以 0 为界对称分级", "classes symmetric about 0"),
    "Markov table": ("马尔可夫转移表", "Markov table"),
    "spatial Markov table": ("空间马尔可夫转移表", "spatial Markov table"),
    "LISA transitions": ("LISA 转移表", "LISA transitions"),
    "note_edition": (
        "{before}→{after}：两版共有 {n} 城，{n_rose} 升 {n_fell} 降，平均变化 {mean} 分；榜单进入 {n_entered}，退出 {n_left}",
        "{before}–{after}: {n} cities in both, {n_rose} rose, {n_fell} fell, mean change {mean} points; list: {n_entered} entered, {n_left} left",
    ),
    "note_top_list": (
        "{year} 年只公布前若干名：其他城市的变化未知；进出指同样长度的榜单。因高分入选的城市下一版往往回落，升降不可外推",
        "{year} has its best cities only: nothing is known of the others, and entering or leaving is of a list as long. Cities "
        "chosen for high scores tend to fall back, so do not generalise from them",
    ),
    "note_edition_clusters": ("城市群加权得分：{what}", "Weighted scores of clusters: {what}"),
    "note_too_few": ("共有城市太少，未作：{what}", "Not made, too few cities in both editions: {what}"),
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
    "page_corridors": ("轴与带：发现的走廊与所称走廊的检验", "Axes and belts: corridors found, and claims tested"),
    "corridor": ("走廊", "Corridor"),
    "ridges": ("势能面脊线", "Ridges of the potential surface"),
    "backbone": ("骨干联系（最强 {n} 条）", "Backbone (strongest {n} links)"),
    "ellipse": ("标准差椭圆（按得分）", "Standard deviational ellipse (by score)"),
    "elongation": ("长短轴比", "Elongation"),
    "corridors_claimed": ("所称的轴与带", "Claimed axis and belts"),
    "corridors_control": ("对照走廊", "Control corridors"),
    "corridors_detected": ("发现的走廊", "Corridors found"),
    "corridors_stable": ("发现的走廊（稳定）", "Corridors found (stable)"),
    "corridors_unstable": ("发现的走廊（随设置而变）", "Corridors found (unstable)"),
    "corridor_length_km": ("长度（公里）", "Length (km)"),
    "corridor_height": ("相对势能", "Relative potential"),
    "corridor_carried": ("承载的流量占比", "Share of all flow carried"),
    "corridor_bearing_deg": ("走向（度）", "Bearing (degrees)"),
    "corridor_flow_share": ("流量×距离占比", "Share of flow × km"),
    "corridor_stability": ("重现于参数组合的比例", "Share of settings in which it reappears"),
    "corridor_n_cities": ("城市数", "Cities"),
    "corridor_score_mean": ("平均得分", "Mean score"),
    "corridor_p_score_coast": ("得分 p（海岸零假设）", "p of score (coast null)"),
    "corridor_holm_score": ("同上，Holm", "the same, Holm"),
    "corridor_p_flow_anchors": ("流量 p（锚点零假设）", "p of flow (anchors null)"),
    "corridor_holm_flow": ("同上，Holm", "the same, Holm"),
    "corridor_p_score_rigid": ("得分 p（刚性，描述性）", "p of score (rigid, descriptive)"),
    "verdict": ("结论", "Verdict"),
    "verdict_high-score band": ("高分带", "high-score band"),
    "verdict_connectivity corridor": ("联系走廊", "connectivity corridor"),
    "verdict_not distinguishable": ("与随机走廊无法区分", "not distinguishable"),
    "verdict_control found": ("对照被识别", "control found"),
    "verdict_control not found": ("对照未被识别", "control not found"),
    "from": ("起", "From"),
    "to": ("讫", "To"),
    "note_network": (
        "相互作用：{basis}；缺质量而未计入：{missing}；海岸线：Natural Earth 1:50m",
        "Interaction: {basis}; left out for want of a mass: {missing}; coast: Natural Earth 1:50m",
    ),
    "note_verdict": (
        "判定事先定下：{km} 公里内平均得分对海岸零假设（Holm）→高分带；流量对锚点零假设（Holm）→联系走廊；否则无法区分；"
        "每个零假设 {draws} 次有效抽样，种子 {seed}",
        "Rule fixed in advance: mean score within {km} km under the coast null (Holm) → high-score band; flow under the "
        "anchors null (Holm) → connectivity corridor; else not distinguishable; {draws} accepted draws each, seed {seed}",
    ),
    "note_found": (
        "发现的走廊按流量选出，不作检验",
        "Corridors found were chosen for their flow and are not tested",
    ),
    "page_spillovers": ("溢出：腹地、光环与城市群间流量", "Spillovers: hinterlands, halos, flows between clusters"),
    "theme_hinterland": ("腹地：首位核心所属城市群", "Hinterland: cluster of the first core"),
    "theme_contested": ("争夺城市", "Contested cities"),
    "theme_outside_plan": ("功能核心在规划之外", "First core outside the plan"),
    "theme_size_lisa": ("自身规模与邻居残差", "Own size against neighbors' residual"),
    "contested_clusters": ("两个城市群争夺", "between two clusters"),
    "contested_within": ("同一城市群的两个核心争夺", "between cores of one cluster"),
    "contested_no": ("不争夺", "not contested"),
    "outside_plan_yes": ("是", "yes"),
    "outside_plan_no": ("否", "no"),
    "size_HH": ("大城市，邻居高于预期", "large, neighbors above expectation"),
    "size_LL": ("小城市，邻居低于预期", "small, neighbors below expectation"),
    "size_LH": ("小城市，邻居高于预期", "small, neighbors above expectation"),
    "size_HL": ("大城市，邻居低于预期（虹吸特征）", "large, neighbors below expectation (siphon signature)"),
    "size_ns": ("不显著（p > 0.05）", "not significant (p > .05)"),
    "size_undefined": ("无法检验", "not tested"),
    "first_core": ("首位核心", "First core"),
    "second_core": ("次位核心", "Second core"),
    "probability": ("概率", "Probability"),
    "planned": ("规划所属城市群", "Planned clusters"),
    "variants_share": ("各种设定中首位核心不变的比例", "Share of variants with the same first core"),
    "core": ("核心城市", "Core"),
    "after_fdr": ("FDR 校正后显著", "Significant after FDR"),
    "halo_part": ("离开包络的圈层", "Part that leaves the envelope"),
    "halo_estimate": ("该处平均残差", "Mean residual there"),
    "halo_radiating": ("涓滴（{n} 个核心，未校正）", "Radiating ({n} cores, uncorrected)"),
    "halo_siphoning": ("虹吸（{n} 个核心，未校正）", "Siphoning ({n} cores, uncorrected)"),
    "halo_neutral": ("中性（{n} 个核心）", "Neutral ({n} cores)"),
    "halo_not tested": ("无法检验（{n} 个核心）", "Not tested ({n} cores)"),
    "flows": ("城市群间流量（最强 {n} 条）", "Flows between clusters (strongest {n})"),
    "flow": ("流量", "Flow"),
    "net_flow": ("净流量", "Net flow"),
    "flow_share": ("占比", "Share"),
    "yes": ("是", "yes"),
    "no": ("否", "no"),
    "note_associations": (
        "只有一个年份的截面：只说明相关，不说明因果；邻接：{graph}，其他六种见 spillover_models.csv",
        "One cross-section: associations, not causes; graph: {graph}, six others in spillover_models.csv",
    ),
    "note_flows": (
        "流量与腹地概率由模型得出（{model}），不是观测值",
        "Flows and probabilities are modelled ({model}), not observed",
    ),
    "note_halos": (
        "光环：检验 {tested} 个核心，{left} 个离开 5% 包络（随机预期约 {expected} 个），FDR 校正后 {fdr} 个",
        "Halos: {tested} cores tested, {left} leave the 5 % envelope (about {expected} by chance), {fdr} after FDR",
    ),
    "note_left_out": ("未进入模型：{cities}", "Not in the models: {cities}"),
    "page_poles": ("第五极：候选与把握", "The fifth pole: candidates and how sure they are"),
    "theme_p_first": ("居首概率（分组权重）", "Probability of being first (grouped weights)"),
    "theme_p_first_flat": ("居首概率（不分组）", "Probability of being first (flat weights)"),
    "theme_p_top3": ("前三概率（分组权重）", "Probability of the first three (grouped weights)"),
    "theme_pole_before": ("最近的极：现有", "Nearest pole, present"),
    "theme_pole_after": ("最近的极：加上第五极", "Nearest pole with the fifth"),
    "pole_before": ("最近的极", "Nearest pole"),
    "pole_after": ("有第五极之后", "With the fifth"),
    "pole_saved": (
        "以此城为第五极时全国距离下降的比例",
        "Share of the nation's distance saved with this city as the fifth",
    ),
    "pole_candidates": ("候选的中心（大小：居首概率）", "Seats of the candidates (size: probability of being first)"),
    "pole_p_first": ("居首概率", "First"),
    "pole_p_top3": ("前三概率", "Among the first three"),
    "pole_p_first_flat": ("居首概率（不分组）", "First (flat)"),
    "pole_rank_additive": ("加法模型位次", "Additive rank"),
    "pole_rank_topsis": ("TOPSIS 位次", "TOPSIS rank"),
    "pole_rank_expected": ("期望位次", "Expected rank"),
    "present_pole": ("现有的极", "present pole"),
    "not_a_candidate": ("不足三个评分成员", "fewer than three scored members"),
    "pole_chart": ("各位次的概率", "Rank acceptabilities"),
    "below": ("更靠后", "below"),
    "pole_chart_note": ("{draws} 次抽样，种子 {seed}，分组权重", "{draws} draws, seed {seed}, grouped weights"),
    "weighting_gdp_2019": ("2019 年 GDP", "GDP 2019"),
    "weighting_scale_2020": ("2020 年数字经济规模", "size of the digital economy 2020"),
    "weighting_equal": ("等权", "equal weights"),
    "weighting_1/rank": ("名次倒数", "1/rank"),
    "weighting_half max, half mean": ("最高分与均值各半", "half the maximum, half the mean"),
    "weighting_score": ("得分", "score"),
    "alternative_two-sided": ("双侧", "two-sided"),
    "alternative_greater": ("单侧（大于）", "greater"),
    "alternative_less": ("单侧（小于）", "less"),
    "model_gravity": (
        "重力模型，质量为{mass}，距离指数 {beta}",
        "gravity, mass {mass}, exponent of the distance {beta}",
    ),
    "model_radiation": ("辐射模型，质量为{mass}", "radiation model, mass {mass}"),
    "model_flows": ("研究自带的流量", "the study's own flows"),
    "distance_km": ("椭球面距离", "distance on the ellipsoid"),
    "distance_time": ("研究自带的出行时间", "the study's own travel times"),
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


def weighting(name: str, lang: str) -> str:
    """Name a weighting for a reader: a known column or rule in words, a power of one with its exponent.

    Parameters
    ----------
    name : str
        Such as ``"gdp_2019"``, ``"scale_2020^0.8"`` or ``"equal"``.
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    str
        The words; a column that is not known keeps its name.

    Examples
    --------
    >>> weighting("scale_2020^0.8", "en"), weighting("population", "en")
    ('size of the digital economy 2020^0.8', 'population')
    """
    column, mark, power = name.partition("^")
    key = f"weighting_{column}"
    return (word(key, lang) if key in _WORDS else column) + mark + power


def interaction(facts: Mapping[str, object], lang: str) -> str:
    """Say how an interaction was made: the model with its mass and exponent, or the study's own flows.

    Parameters
    ----------
    facts : mapping
        ``model`` (gravity, radiation or flows), ``mass``, ``beta``, ``distance`` (km or time).
    lang : {"zh", "en"}
        Language.

    Returns
    -------
    str
        The words.

    Examples
    --------
    >>> interaction({"model": "gravity", "mass": "gdp_2019", "beta": 2.0, "distance": "km"}, "en")
    'gravity, mass GDP 2019, exponent of the distance 2; distance on the ellipsoid'
    """
    mass, beta = weighting(str(facts["mass"]), lang), f"{facts['beta']:g}"
    said = word(f"model_{facts['model']}", lang, mass=mass, beta=beta)
    return f"{said}; {word('distance_' + str(facts['distance']), lang)}" if facts["model"] != "flows" else said


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
