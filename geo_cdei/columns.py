"""The columns of every table, once.

A function that returns a frame names its columns here, its docstring points here, and one test per function
compares the two. Units are part of the name: ``_km``, ``_km2``, ``_deg``; money is in 100 million yuan
(亿元), scores are points out of 100, shares are fractions of 1.
"""

from __future__ import annotations

CITIES = (
    "city", "city_en", "province", "score", "rank", "tier", "scale_2020", "gdp_2019", "gdp_check", "cluster_id",
    "cluster",
)  # fmt: skip
"""``cities.csv`` behind ``adcode``: short name as printed, points, rank, tier, size and GDP, primary cluster."""

MATCH_REPORT = ("table", "row", "given", "adcode", "unit", "how", "note", "suggestions")
"""``match_report.csv``: which unit each row of each table is, and how that was found."""

CLUSTERS = (
    "cluster", "cluster_en", "core", "n_members", "n_scored", "score", "score_equal", "score_scale_2020",
    "loo_min", "loo_max", "top_member", "confidence",
)  # fmt: skip
"""``clusters.csv`` behind ``cluster_id``; one ``score_…`` column per rival weighting of the settings."""

CLUSTER_SCORES = (
    "score", "n_scored", "n_members", "coverage", "weight_coverage", "spread", "loo_min", "loo_max",
    "top_member", "left_out",
)  # fmt: skip
"""Result of ``score_clusters``; ``cluster_scores.csv`` has it for every weighting, with ``low`` and ``high``."""

CONTRIBUTIONS = ("cluster_id", "adcode", "city", "score", "weight", "share", "contribution", "score_without")
"""What each scored member adds; ``share`` and ``contribution`` add up within a cluster."""

MEMBERS = (
    "cluster_id", "cluster", "adcode", "city", "role", "scored", "score", "weight", "share", "contribution",
    "score_without", "source", "confidence", "note",
)  # fmt: skip
"""``members.csv``: every membership of any role, with its contribution where it counts."""

NATIONAL = ("weights", "score", "n")
"""``national.csv``: mean score of the nation under every weighting of the clusters."""

REPRODUCTION = (
    "edition", "quantity", "subject", "cluster_id", "published", "computed", "difference", "reproduced", "note",
)  # fmt: skip
"""``reproduction.csv``: one row per printed number; ``reproduced`` is yes, no or empty (cannot be tested)."""

FAULTS = ("table", "key", "value", "fault", "action", "low", "high", "reason")
"""``faults.csv``: faults of the source as ``data/raw`` lists them, and what was done about each."""

WEIGHTING = ("weights", "cluster_id", "published", "computed", "difference", "rmse")
"""``weighting.csv``: rival weightings against the printed cluster scores, nearest first."""

MATCHES = ("row", "given_code", "given_name", "adcode", "official_name", "how", "note", "suggestions")
"""Result of ``match_cities``: 1-based row, what was given, the unit, how it was found or why it was not."""

CITY_UNIT = ("city", "city_en", "official_name", "province", "lon", "lat")
"""What ``join_cities`` adds to a table: names, province and point (degrees, WGS84) of its unit."""

LISA = ("z", "lag", "I", "quadrant", "EI_sim", "z_sim", "p_sim", "significant", "significant_fdr")
"""Result of ``local_moran`` and ``local_moran_bv``; ``lisa.csv`` adds ``city`` and ``stability``."""

LISA_ALL = (
    "variable", "graph", "adcode", "z", "lag", "I", "quadrant", "p_sim", "significant", "significant_fdr",
)  # fmt: skip
"""``lisa_all.csv``: local Moran of every measure over every graph; the rows of score and the study's graph are
those of ``lisa.csv``."""

CITY_MEASURES = ("score", "scale_2020", "gdp_2019", "residual", "ratio")
"""``city_measures.csv`` behind ``adcode``: ``residual`` is the score less an ordinary least-squares line on the
natural log of ``gdp_2019``, ``ratio`` is ``scale_2020`` / ``gdp_2019``; the last column, ``weight``, is the city's
weight in the mean of its cluster."""

GRAPH_LINKS = ("graph", "focal", "neighbor", "weight")
"""``graph_links.csv``: who is whose neighbor, with the weight before row-standardizing."""

GETIS = ("G", "EG", "z", "p_norm", "spot", "EG_sim", "z_sim", "p_sim", "significant", "significant_fdr")
"""Result of ``getis_ord``: ``z`` and ``p_norm`` are analytic, ``spot`` is the sign of ``z``."""

LOCAL_GEARY = ("z", "C", "association", "EC_sim", "z_sim", "p_sim", "significant", "significant_fdr")
"""Result of ``local_geary``: ``association`` is positive where neighbors are more alike than expected."""

JOINS = (
    "category_a", "category_b", "joins", "EJ", "EJ_sim", "z_sim", "p_sim", "significant", "significant_fdr",
)  # fmt: skip
"""Result of ``join_counts``: one row per pair of categories."""

MORAN = (
    "statistic", "variable", "graph", "value", "expected", "expected_sim", "z_norm", "p_norm", "z_rand", "p_rand",
    "z_sim", "p_sim", "permutations", "seed", "alternative", "n", "n_isolates",
)  # fmt: skip
"""``moran.csv``: global statistics (moran, geary, getis) of each variable over each graph."""

CORRELOGRAM = (
    "direction", "from_km", "to_km", "mean_km", "n_pairs", "I", "EI", "EI_sim", "z_sim", "p_sim",
    "significant", "significant_fdr",
)  # fmt: skip
"""Result of ``correlogram``: one row per direction and distance band."""

INEQUALITY = (
    "variable", "measure", "total", "within", "between", "transvariation", "between_share", "labels_share",
    "p_labels", "partitions_share", "p_partitions", "n", "n_groups", "permutations", "partitions", "seed",
    "left_out",
)  # fmt: skip
"""``inequality.csv``: parts within and between clusters; only ``p_partitions`` speaks of these borders."""

SCENARIOS = ("cluster_id", "weights", "membership", "removal", "k", "score", "class")
"""``scenarios.csv``: the class of every tested cluster (1 is the top) in every scenario."""

PATTERN = (
    "cluster", "role", "book_role", "score", "class", "top_share", "second_share", "removal_share",
    "bootstrap_top", "p_region", "p_region_core", "p_region_fdr", "type", "share_HH", "share_HL", "share_LH",
    "share_LL", "agrees", "k", "n_scored", "base_share", "core_removal_share", "other_removal_share",
    "bootstrap_second", "p_region_core_fdr", "share_hot", "quadrant_HH", "quadrant_HL", "quadrant_LH",
    "quadrant_LL", "core", "core_quadrant", "type_supported", "published", "change", "change_from",
)  # fmt: skip
"""``pattern.csv`` behind ``cluster_id``: role of every cluster and the numbers that decide it; behind these
``role_k3``, ``top_share_k3``, ``second_share_k3`` and so on for every k of the scenarios."""

PATTERN_UNWEIGHTED = (
    "cluster", "role", "score", "class", "top_share", "second_share", "removal_share", "bootstrap_top",
    "p_region", "p_region_core", "p_region_fdr", "role_weighted", "score_weighted", "class_weighted",
)  # fmt: skip
"""``pattern_unweighted.csv`` behind ``cluster_id``: the same with equal weights, beside the weighted reading."""

PATTERN_BREAKS = ("method", "k", "gadf", "gain", "drop", "chosen", "sizes", "top_class")
"""Result of ``break_table``; ``pattern_breaks.csv`` has ``weights`` in front."""

PATTERN_GAP = ("k", "log_within", "log_reference", "gap", "se", "enough", "chosen")
"""Second result of ``gap_statistic``; ``pattern_gap.csv`` has ``weights`` in front."""

REGION_TEST = (
    "cluster_id", "weights", "n_scored", "score", "null_mean", "null_sd", "p_region", "p_region_fdr", "core",
    "n_starts", "null_core_mean", "null_core_sd", "p_region_core", "p_region_core_fdr", "is_contiguous",
)  # fmt: skip
"""``pattern_regions.csv``: every tested cluster against random contiguous regions of as many cities."""

LINKS = (
    "origin", "destination", "origin_city", "destination_city", "km", "flow_share", "p_disparity", "tree",
    "carried", "betweenness", "traffic_share",
)  # fmt: skip
"""``links.csv``: the backbone of the network of interaction; shares are of all flow, pairs or flow x km."""

DETECTED = (
    "cities", "names", "n_cities", "length_km", "bearing_deg", "flow_share", "stability", "stable", "n_settings",
)  # fmt: skip
"""Result of ``detect_corridors`` behind ``corridor_id``; ``cities`` is a tuple of codes in order."""

CORRIDOR_TESTS = (
    "corridor_id", "null", "width_km", "poles", "statistic", "observed", "expected", "sd", "p", "draws",
    "proposals", "acceptance",
)  # fmt: skip
"""``corridor_tests.csv``: every statistic of every claimed corridor, at every width, against every null."""

CORRIDORS = (
    "kind", "name", "name_en", "cities", "n_cities", "length_km", "bearing_deg", "flow_share", "stability",
    "stable", "score_mean", "p_score_rigid", "p_score_coast", "p_flow_anchors", "holm_score", "holm_flow", "verdict",
)  # fmt: skip
"""``corridors.csv`` behind ``corridor_id``: detected, claimed and control corridors."""

BELTS = ("kind", "width_km", "n_cities", "cities", "n_clusters", "clusters", "area_km2")
"""Result of ``corridor_belts`` behind ``corridor_id``, with the polygon."""

RIDGES = ("ridge_id", "length_km", "bearing_deg", "height")
"""Result of ``potential_ridges``, with the line; ``height`` is the mean potential as a share of its maximum."""

RIDGE_AGREEMENT = ("corridor_id", "within_km", "share", "share_by_chance")
"""``ridge_agreement.csv``: share of every corridor near a ridge, and of the land of the cities."""

ELLIPSES = (
    "weights", "n", "lon", "lat", "semi_major_km", "semi_minor_km", "bearing_deg", "elongation", "area_km2",
)  # fmt: skip
"""``ellipses.csv``: weighted mean centre and standard deviational ellipse, one row per weighting."""

CORES = ("cluster_id", "cluster", "core", "adcode")
"""Result of ``core_cities``: one row per named core; ``adcode`` is empty for a core that has no score."""

SPILLOVER_MODELS = (
    "y", "x", "columns", "graph", "kind", "groups", "coefficient", "se", "p", "coefficient_lag", "se_lag", "p_lag",
    "direct", "direct_low", "direct_high", "indirect", "indirect_low", "indirect_high", "total", "total_low",
    "total_high", "rho", "rho_se", "rho_p", "lam", "lam_se", "lam_p", "lm_lag", "lm_lag_p", "lm_error",
    "lm_error_p", "rlm_lag", "rlm_lag_p", "rlm_error", "rlm_error_p", "moran_I", "moran_p", "loglik", "aic",
    "condition", "n", "n_parameters", "n_left_out", "left_out", "draws", "seed",
)  # fmt: skip
"""``spillover_models.csv``: one row per explaining column, graph, kind and variant; ``_low`` and ``_high`` are the
2.5 and 97.5 % quantiles of simulated effects; ``left_out`` is ``adcode: reason`` parted by semicolons."""

DECAY = (
    "measure", "variable", "from_km", "to_km", "mean_km", "n_pairs", "estimate", "low", "high", "outside", "p_curve",
    "radius_km", "radius_low_km", "radius_high_km", "beyond", "n", "permutations", "seed",
)  # fmt: skip
"""``decay.csv``: likeness and indirect association by distance band, with one envelope and one radius a curve."""

HALOS = (
    "cluster_id", "cluster", "core", "city", "part", "from_km", "to_km", "n_cities", "estimate", "low", "high",
    "outside", "halo", "p", "significant_fdr", "peers",
)  # fmt: skip
"""``halos.csv``: for each core city one row per ring and one for its cluster against the others around it."""

HALO_CORES = (
    "cluster_id", "cluster", "core", "city", "halo", "p", "significant_fdr", "part", "from_km", "to_km", "estimate",
)  # fmt: skip
"""Result of ``halo_classes``: one row per core city, with the part that decided its class."""

HINTERLANDS = ("adcode", "core", "core_city", "cluster_id", "rank", "probability")
"""``hinterlands.csv``: one row per city and core above 1 %; ``core`` is the code of the core, ``cluster_id`` its."""

HINTERLAND_CITIES = (
    "first", "first_cluster", "first_probability", "second", "second_cluster", "second_probability", "contested",
    "contested_clusters", "planned", "outside_plan", "stability",
)  # fmt: skip
"""Result of ``hinterland_cities`` behind ``adcode``: the two likeliest cores of every city, against its plan."""

BREAK_POINTS = ("core_a", "core_b", "km", "from_a_km", "from_b_km", "lon", "lat", "border")
"""``break_points.csv``: where two cores pull equally; only a ``border`` is one, elsewhere a third pulls stronger."""

CLUSTER_FLOWS = ("model", "origin", "destination", "flow", "share")
"""``cluster_flows.csv``: modelled (or the study's own) flow between clusters; ``outside`` is every other city."""

CLUSTER_BALANCE = ("model", "cluster_id", "sent", "received", "within", "net", "net_share", "role")
"""``cluster_balance.csv``: net senders and receivers; ``net_share`` is of what is sent and received."""

CLUSTER_FIT = (
    "model", "n", "n_groups", "within_share", "modularity", "communities", "modularity_communities", "agreement",
    "partitions", "partitions_mean", "partitions_low", "partitions_high", "p_partitions", "partitions_agreement",
    "p_agreement", "resolution", "seed",
)  # fmt: skip
"""``cluster_fit.csv``: do the plan's borders fit the interaction; ``agreement`` is the adjusted Rand index."""

FLOW_LINES = ("model", "origin", "destination", "flow", "net", "share")
"""Result of ``flow_lines``: one row per pair of clusters, from the one that sends more; both directions."""

POLE_SITES = ("saved_km", "saved_share", "rank")
"""Result of ``fifth_sites`` behind ``adcode``; ``pole_sites.csv`` has ``city`` in front."""

POLE_CATCHMENTS = ("pole_before", "km_before", "pole_after", "km_after")
"""Result of ``nearest_pole`` behind ``adcode``; ``pole_catchments.csv`` has ``city`` in front."""

POLE_RANKS = ("value_additive", "rank_additive", "value_topsis", "rank_topsis")
"""Result of ``rank_poles`` behind ``cluster_id``, followed by one ``scaled_…`` per criterion."""

POLES = (
    "cluster", "cluster_en", "seat", "seat_city", "n_scored", "rank_additive", "rank_topsis", "p_first", "p_top3",
    "p_first_flat", "p_top3_flat", "value_additive", "value_topsis", "rank_expected", "n_missing",
)  # fmt: skip
"""``poles.csv`` behind ``cluster_id``, followed by every criterion as measured and as ``scaled_…``."""

POLE_CENTRAL_WEIGHTS = (
    "scheme", "cluster_id", "cluster", "p_first", "criterion", "group", "weight", "group_weight", "mean",
)  # fmt: skip
"""``pole_central_weights.csv``: mean weights of the draws in which a candidate is first; empty if it never is."""

POLE_PAIRS = ("scheme", "cluster_id", "cluster", "other_id", "other", "p_before")
"""``pole_pairs.csv``: probability that one candidate stands before another."""

POLE_REVERSALS = ("dropped", "method", "first", "first_changes", "n_reversed", "n_pairs")
"""Result of ``rank_reversals``."""

POLE_VARIANTS = ("variant", "first", "cluster", "p_first", "second", "p_second", "p_leader", "n_criteria")
"""Result of ``acceptability_variants``."""

POLE_DECIDING = (
    "first", "second", "level", "name", "group", "difference", "weight", "contribution", "decides",
)  # fmt: skip
"""``pole_deciding.csv``: the lead of the first candidate over the second, by criterion and by group."""

POLE_SENSITIVITY = (
    "kind", "subject", "method", "first", "cluster", "p_first", "second", "p_leader", "first_changes", "n_reversed",
    "n_pairs",
)  # fmt: skip
"""``pole_sensitivity.csv``: other weights, other assumptions, and candidates dropped."""

POLE_GOALS = (
    "cluster", "rank_additive", "score_gain", "score_needed", "size_gain", "size_needed", "score_limit", "size_limit",
)  # fmt: skip
"""``pole_goals.csv`` behind ``cluster_id``: smallest gain that makes a candidate first; empty if none does."""

OVERRIDES = (
    "row", "kind", "adcode", "city", "from_cluster", "cluster_id", "score_before", "score_after", "role_before",
    "role_after",
)  # fmt: skip
"""``overrides.csv``: every change that a planner put in place of the published study; 1-based row of its table."""

POLE_WEIGHTS = ("group", "used", "grouped", "equal", "entropy", "critic")
"""``pole_weights.csv`` behind ``criterion``: weights of the criteria by origin; ``used`` are those of the ranking."""

BOUNDARY_FAULTS = ("adcode", "name", "fault", "other", "area_km2", "detail", "severity")
"""``boundary_faults.csv``: what is wrong with a layer of one's own, unit by unit; an ``error`` stops the run."""

COMPOSITE = ("adcode", "indicator", "raw", "scaled", "weight", "contribution")
"""Result of ``add_up``; ``composite.csv`` has ``city`` behind ``adcode``: how every score was made."""

COMPOSITE_LEFT_OUT = ("n_available", "n_indicators", "reason")
"""Result of ``leave_out`` behind ``adcode``; ``composite_left_out.csv`` has ``city`` in front."""

COMPOSITE_WEIGHTS = (
    "table", "column", "direction", "scaling", "weighting", "weight", "entropy", "n", "n_missing", "minimum",
    "maximum", "mean", "sd",
)  # fmt: skip
"""``composite_weights.csv`` behind ``indicator``: weights, and the numbers of the scales, over the scored cities."""

EDITION_CHANGES = (
    "score_from", "score_to", "change", "rank_from", "rank_to", "rank_change", "rank_common_from", "rank_common_to",
    "rank_common_change", "status",
)  # fmt: skip
"""Result of ``compare_editions`` behind ``adcode``; ``edition_changes.csv`` has ``from``, ``to`` and ``city`` too."""

EDITION_MOBILITY = (
    "n", "n_entered", "n_left", "mean_change", "n_rose", "n_fell", "spearman", "p_spearman", "kendall", "p_kendall",
    "reversed_share", "rank_mobility", "permutations", "seed",
)  # fmt: skip
"""Result of ``rank_mobility``; ``edition_mobility.csv`` has ``from`` and ``to`` in front."""

EDITION_MARKOV = ("lag_class", "class_from", "class_to", "n", "probability")
"""Result of ``markov`` and ``spatial_markov``; ``edition_markov.csv`` has ``from`` and ``to`` in front."""

EDITION_MARKOV_TESTS = ("kind", "k", "n", "shorrocks", "q", "p_q", "lr", "p_lr", "dof")
"""Result of ``markov_test``; ``edition_markov_tests.csv`` has ``from`` and ``to`` in front."""

EDITION_LISA = ("quadrant_from", "quadrant_to", "n", "probability", "move")
"""Result of ``lisa_transitions``; ``edition_lisa.csv`` has ``from`` and ``to`` in front."""

EDITION_CLUSTERS = ("cluster", "score_from", "score_to", "change", "basis_from", "basis_to")
"""``edition_clusters.csv`` behind ``from``, ``to`` and ``cluster_id``; the basis is ``printed`` or ``computed``."""
