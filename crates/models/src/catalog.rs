//! The list of models of this crate, for menus and help. Must not compute.

/// One model as the user meets it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Model {
    /// Stable; stored with results.
    pub id: &'static str,
    pub name_zh: &'static str,
    pub name_en: &'static str,
    pub about_zh: &'static str,
    pub about_en: &'static str,
}

pub const MODELS: &[Model] = &[
    Model {
        id: "bg_nbd",
        name_zh: "BG/NBD 复购模型",
        name_en: "BG/NBD",
        about_zh: "由购买次数和最近一次购买时间估计客户是否仍活跃、未来会买几次;只买过一次的客户视为活跃。",
        about_en: "Alive or not, and purchases to come, from how often and how recently; one-time buyers count as alive.",
    },
    Model {
        id: "mbg_nbd",
        name_zh: "MBG/NBD 复购模型",
        name_en: "MBG/NBD",
        about_zh: "与 BG/NBD 相同,但首次购买后也可能流失;适合一次性客户较多的零售与电商。",
        about_en: "As BG/NBD, but customers can also be lost after the first purchase; suits shops with many one-time buyers.",
    },
    Model {
        id: "nbd",
        name_zh: "NBD 稳定购买模型",
        name_en: "NBD",
        about_zh: "假设客户以各自稳定的频率购买且不流失;用作比较基准。",
        about_en: "Customers buy at their own steady rate and are never lost; the benchmark for the others.",
    },
    Model {
        id: "gamma_gamma",
        name_zh: "Gamma-Gamma 客单价模型",
        name_en: "Gamma-Gamma",
        about_zh: "估计客户未来每次购买的平均金额;历史购买越少,越靠近总体平均。",
        about_en: "Mean amount per future purchase; the fewer past purchases, the closer to the overall mean.",
    },
    Model {
        id: "clv",
        name_zh: "客户终身价值",
        name_en: "Customer lifetime value",
        about_zh: "未来若干个月的预期购买次数乘以预期客单价,并按月折现。",
        about_en: "Purchases expected over some months times expected spend, discounted by month.",
    },
    Model {
        id: "rfm",
        name_zh: "RFM 评分",
        name_en: "RFM scores",
        about_zh: "按最近购买、购买次数、购买金额给客户打 1 到 5 分。",
        about_en: "Scores customers from 1 to 5 by recency, frequency and monetary value.",
    },
    Model {
        id: "satisfaction",
        name_zh: "满意度统计(NPS、CSAT、CES)",
        name_en: "Satisfaction: NPS, CSAT, CES",
        about_zh: "由评分计算净推荐值、满意率和费力度,并给出置信区间;少于 30 份答卷时标为样本过小。沉默的客户不在其中,答卷少或各渠道回收率不同时不要轻信。",
        about_en: "NPS, CSAT and CES from ratings, with confidence intervals; fewer than 30 replies are marked as a small sample. Do not believe it where few reply, or channels reply unequally: the silent are not in it.",
    },
    Model {
        id: "kaplan_meier",
        name_zh: "Kaplan-Meier 留存曲线",
        name_en: "Kaplan-Meier",
        about_zh: "每个时长后仍未流失的客户比例,带置信带、中位数与限定均值,可用对数秩检验比较各组。右端在险客户很少时不要相信;因即将流失而被删除的客户会使曲线失真。",
        about_en: "Share of customers who go on beyond each time, with bands, median and restricted mean; the log-rank test compares groups. Do not believe the right end where few are at risk, or any of it if customers were deleted because they were leaving.",
    },
    Model {
        id: "cox",
        name_zh: "Cox 比例风险模型",
        name_en: "Cox proportional hazards",
        about_zh: "各因素使流失风险提高或降低多少倍,不假设风险随时间的形状。每个因素不足十次流失、影响随时间减弱(见比例性检验)或因素本身由流失造成时不要相信。",
        about_en: "By what factor each trait raises or lowers the risk of leaving, no shape over time assumed. Do not believe it with fewer than ten events per trait, where the effect wears off (see the proportionality test), or where the trait is itself a result of leaving.",
    },
    Model {
        id: "weibull_aft",
        name_zh: "Weibull 加速失效模型",
        name_en: "Weibull accelerated failure time",
        about_zh: "假设流失风险随时间按 Weibull 形状变化,因而能推算数据之外的时长。若它与 Kaplan-Meier 曲线不贴合,或部分客户永不流失,不要相信外推。",
        about_en: "Assumes a Weibull shape for the risk of leaving and can so look beyond the data. Do not believe it there unless it follows the Kaplan-Meier curve within them, or where some customers never leave.",
    },
    Model {
        id: "smoothing",
        name_zh: "指数平滑预测(Holt-Winters)",
        name_en: "Exponential smoothing (Holt-Winters)",
        about_zh: "按水平、趋势与季节外推等距序列,带预测区间,并与季节性朴素法一起回测。未胜过朴素法、序列不足两个完整季节或未来会有大客户变动、移动节假日时不要相信。",
        about_en: "Continues a series by its level, trend and season, with intervals, and is tried on the past beside the seasonal naive rule. Do not believe it where it does not beat that rule, with less than two full seasons, or where a key account or a moving holiday is about to change things.",
    },
    Model {
        id: "reconciliation",
        name_zh: "分层预测调和",
        name_en: "Forecast reconciliation",
        about_zh: "使各部分的预测与其合计一致,误差较小的序列改动较少。部分接近零时结果可能为负;各部分同涨同跌时标准误偏小。",
        about_en: "Makes forecasts of parts and of their sums agree; series with small errors move least. Parts near zero can come out negative, and its errors are too small where all parts rise and fall together.",
    },
];
