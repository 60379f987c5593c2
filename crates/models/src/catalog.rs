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
        id: "pareto_nbd",
        name_zh: "Pareto/NBD 复购模型",
        name_en: "Pareto/NBD",
        about_zh: "客户随时可能悄然流失,不限于购买之后;可直接算出今后全部购买的折现值。购买很有规律或有季节性时不可尽信。",
        about_en: "Customers can silently leave at any time, not only after a purchase; values all purchases to come. Not to be believed for regular or seasonal buyers.",
    },
    Model {
        id: "nbd",
        name_zh: "NBD 稳定购买模型",
        name_en: "NBD",
        about_zh: "假设客户以各自稳定的频率购买且不流失;用作比较基准。",
        about_en: "Customers buy at their own steady rate and are never lost; the benchmark for the others.",
    },
    Model {
        id: "bg_bb",
        name_zh: "BG/BB 参与模型",
        name_en: "BG/BB",
        about_zh: "每个周期最多发生一次的行为(如年度捐赠、每周到店):是否仍活跃、今后还会参与几次。观察周期很少时,流失与低参与率难以区分,不可尽信。",
        about_en: "At most one transaction per opportunity, such as yearly donations: alive or not, and how many to come. Not to be believed after few opportunities, when leaving and rarely taking part look alike.",
    },
    Model {
        id: "shifted_beta_geometric",
        name_zh: "sBG 续约模型",
        name_en: "Shifted-beta-geometric (sBG)",
        about_zh: "合同与订阅的续约:由各期留存人数推算今后的留存率与客户寿命。续约次数太少,或价格、服务变过,不可尽信。",
        about_en: "Renewal of contracts and subscriptions: projects retention and lifetimes from how many were left. Not to be believed after one or two renewals, or when prices or service changed.",
    },
    Model {
        id: "beta_discrete_weibull",
        name_zh: "BdW 续约模型",
        name_en: "Beta-discrete-Weibull (BdW)",
        about_zh: "与 sBG 相同,但客户自身的流失概率可随时间升降;并检验是否真有必要。续约期数少时,它与客户差异难以区分,不可尽信。",
        about_en: "As sBG, but a customer's own churn may rise or fall with tenure, with a test whether that is needed. Not to be believed after few renewals, which cannot tell it from differences between customers.",
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
        id: "churn_logistic",
        name_zh: "流失预测(逻辑回归)",
        name_en: "Churn, logistic regression",
        about_zh: "由客户特征估计流失概率,每个特征的影响可逐一说明;少于 10 个流失客户不予计算,特征若在事后才填写则结果不可信。",
        about_en: "Probability of leaving from what is known of a customer, each column's share spelled out; not with fewer than 10 leavers, and not to be believed if columns were filled after the fact.",
    },
    Model {
        id: "churn_trees",
        name_zh: "流失预测(梯度提升树)",
        name_en: "Churn, boosted trees",
        about_zh: "自动发现阈值与特征间的交互,并给出每位客户的原因;须在更晚的数据上优于单看最近购买时间和逻辑回归才值得使用。",
        about_en: "Finds thresholds and interactions by itself, with reasons per customer; worth using only where it beats recency alone and the regression on later data.",
    },
    Model {
        id: "next_product",
        name_zh: "下一件商品推荐",
        name_en: "Next product",
        about_zh: "根据同一批客户共同购买的商品推荐下一件;须在之后月份的命中率上优于推荐畅销品才可信,新品与换季商品除外。",
        about_en: "Products bought by the same customers; to be believed only where its hit rate in later months beats naming the best sellers, and never for new or seasonal products.",
    },
    Model {
        id: "segmentation",
        name_zh: "行为细分与画像",
        name_en: "Behavioural segments",
        about_zh: "按行为把客户分为若干群,编号跨期不变并报告漂移;若间隙统计量认为只有一群或稳定性低,分群只是便于汇报的划线。",
        about_en: "Groups customers by behaviour, keeps their numbers from period to period and reports drift; where the gap statistic sees one group or stability is low, the groups are only lines drawn for reports.",
    },
    Model {
        id: "look_alike",
        name_zh: "相似潜客评分",
        name_en: "Look-alike score",
        about_zh: "按与优质客户的相似度给潜在客户排序,并指出最相似的客户;优质客户只有几十个以下,或潜客来自另一渠道时不可信。",
        about_en: "Ranks prospects by likeness to the best customers and names the most similar; not to be believed with fewer than some tens of best customers, or for prospects from another channel.",
    },
];
