// What `GET /api/catalog` answers in the stand-in server.
export const catalog = {
  objects: [
    {
      id: "customer",
      name: {
        zh: "客户",
        en: "Customer",
      },
      about: {
        zh: "其表现被衡量的一方：个人或公司。",
        en: "The party whose performance is measured: a person or a company.",
      },
      fields: [
        {
          id: "number",
          type: "text",
          name: {
            zh: "客户编号",
            en: "Customer number",
          },
          help: {
            zh: "在文件里认出这个客户的编号。没有编号时用名称。",
            en: "The number by which files know this customer; the name where there is none.",
          },
        },
        {
          id: "name",
          type: "text",
          name: {
            zh: "客户名称",
            en: "Name",
          },
        },
        {
          id: "kind",
          type: "choice",
          name: {
            zh: "类别",
            en: "Kind",
          },
          options: [
            {
              value: "company",
              zh: "公司",
              en: "Company",
            },
            {
              value: "person",
              zh: "个人",
              en: "Person",
            },
          ],
        },
        {
          id: "country",
          type: "text",
          name: {
            zh: "国家或地区",
            en: "Country or region",
          },
        },
        {
          id: "region",
          type: "text",
          name: {
            zh: "省份",
            en: "Province",
          },
        },
        {
          id: "city",
          type: "text",
          name: {
            zh: "城市",
            en: "City",
          },
        },
        {
          id: "industry",
          type: "text",
          name: {
            zh: "行业",
            en: "Industry",
          },
        },
        {
          id: "owner",
          type: "text",
          name: {
            zh: "负责人",
            en: "Owner",
          },
        },
        {
          id: "phone",
          type: "text",
          name: {
            zh: "电话",
            en: "Phone",
          },
        },
        {
          id: "email",
          type: "text",
          name: {
            zh: "邮箱",
            en: "E-mail",
          },
        },
      ],
    },
    {
      id: "contact",
      name: {
        zh: "联系人",
        en: "Contact",
      },
      about: {
        zh: "在客户那边可以交谈的人。",
        en: "A person to talk to at a customer.",
      },
      fields: [
        {
          id: "customer",
          type: "link",
          name: {
            zh: "客户",
            en: "Customer",
          },
        },
        {
          id: "name",
          type: "text",
          name: {
            zh: "姓名",
            en: "Name",
          },
        },
        {
          id: "position",
          type: "text",
          name: {
            zh: "职务",
            en: "Position",
          },
        },
        {
          id: "phone",
          type: "text",
          name: {
            zh: "电话",
            en: "Phone",
          },
        },
        {
          id: "email",
          type: "text",
          name: {
            zh: "邮箱",
            en: "E-mail",
          },
        },
      ],
    },
    {
      id: "product",
      name: {
        zh: "产品",
        en: "Product",
      },
      about: {
        zh: "卖出的货品或服务。",
        en: "A good or service that is sold.",
      },
      fields: [
        {
          id: "number",
          type: "text",
          name: {
            zh: "产品编号",
            en: "Product number",
          },
        },
        {
          id: "name",
          type: "text",
          name: {
            zh: "产品名称",
            en: "Name",
          },
        },
        {
          id: "category",
          type: "text",
          name: {
            zh: "品类",
            en: "Category",
          },
        },
      ],
    },
    {
      id: "order",
      name: {
        zh: "订单",
        en: "Order",
      },
      about: {
        zh: "客户的一次销售、退货或调整。金额由明细汇总而来。",
        en: "One sale, return or adjustment of a customer. Its amounts are totals of its lines.",
      },
      fields: [
        {
          id: "number",
          type: "text",
          name: {
            zh: "订单编号",
            en: "Order number",
          },
        },
        {
          id: "customer",
          type: "link",
          name: {
            zh: "客户",
            en: "Customer",
          },
        },
        {
          id: "kind",
          type: "choice",
          name: {
            zh: "类型",
            en: "Kind",
          },
          help: {
            zh: "编号以 C 开头或数量全为负的是退货，以 A 开头的是调整。",
            en: "Numbers that begin with C, or only negative quantities, are returns; those that begin with A are adjustments.",
          },
          options: [
            {
              value: "sale",
              zh: "销售",
              en: "Sale",
            },
            {
              value: "return",
              zh: "退货",
              en: "Return",
            },
            {
              value: "adjustment",
              zh: "调整",
              en: "Adjustment",
            },
          ],
        },
        {
          id: "ordered_at",
          type: "instant",
          name: {
            zh: "下单时间",
            en: "Ordered at",
          },
          help: {
            zh: "订单第一条明细的时间。",
            en: "The time of the order's first line.",
          },
        },
        {
          id: "ordered_on",
          type: "date",
          name: {
            zh: "下单日",
            en: "Order day",
          },
        },
        {
          id: "country",
          type: "text",
          name: {
            zh: "国家或地区",
            en: "Country or region",
          },
        },
        {
          id: "channel",
          type: "text",
          name: {
            zh: "渠道",
            en: "Channel",
          },
        },
        {
          id: "currency",
          type: "text",
          name: {
            zh: "币种",
            en: "Currency",
          },
        },
        {
          id: "goods_amount",
          type: "decimal",
          name: {
            zh: "货款",
            en: "Goods amount",
          },
          help: {
            zh: "全部明细的数量×单价之和。",
            en: "Σ quantity × price over all lines.",
          },
          unit: "money",
        },
        {
          id: "gross_amount",
          type: "decimal",
          name: {
            zh: "销售额",
            en: "Gross amount",
          },
          help: {
            zh: "数量和单价都为正的明细之和，未减退货。",
            en: "Σ quantity × price over lines with both positive, before returns.",
          },
          unit: "money",
        },
        {
          id: "freight",
          type: "decimal",
          name: {
            zh: "运费",
            en: "Freight",
          },
          unit: "money",
        },
        {
          id: "discount",
          type: "decimal",
          name: {
            zh: "折扣",
            en: "Discount",
          },
          unit: "money",
        },
        {
          id: "net_amount",
          type: "decimal",
          name: {
            zh: "净额",
            en: "Net amount",
          },
          help: {
            zh: "货款＋运费－折扣。",
            en: "Goods + freight − discount.",
          },
          unit: "money",
        },
        {
          id: "n_lines",
          type: "int",
          name: {
            zh: "明细数",
            en: "Lines",
          },
          unit: "count",
        },
      ],
    },
    {
      id: "order_line",
      name: {
        zh: "订单明细",
        en: "Order line",
      },
      about: {
        zh: "订单里的一行：一种产品、数量和单价。",
        en: "One row of an order: a product, a quantity and a price.",
      },
      fields: [
        {
          id: "order",
          type: "link",
          name: {
            zh: "订单",
            en: "Order",
          },
        },
        {
          id: "product",
          type: "link",
          name: {
            zh: "产品",
            en: "Product",
          },
        },
        {
          id: "description",
          type: "text",
          name: {
            zh: "说明",
            en: "Description",
          },
        },
        {
          id: "quantity",
          type: "decimal",
          name: {
            zh: "数量",
            en: "Quantity",
          },
          unit: "count",
        },
        {
          id: "price",
          type: "decimal",
          name: {
            zh: "单价",
            en: "Price",
          },
          unit: "money",
        },
        {
          id: "amount",
          type: "decimal",
          name: {
            zh: "金额",
            en: "Amount",
          },
          help: {
            zh: "数量×单价。文件只有金额时，单价由金额除以数量得出。",
            en: "Quantity × price. Where a file has only the amount, the price follows from it.",
          },
          unit: "money",
        },
        {
          id: "occurrence",
          type: "int",
          name: {
            zh: "重复序号",
            en: "Occurrence",
          },
          help: {
            zh: "同一订单里完全相同的行，这是第几条。",
            en: "Which of the order's identical rows this is, from 1.",
          },
          unit: "count",
        },
        {
          id: "row_hash",
          type: "int",
          name: {
            zh: "行指纹",
            en: "Row fingerprint",
          },
        },
      ],
    },
    {
      id: "cost",
      name: {
        zh: "成本",
        en: "Cost",
      },
      about: {
        zh: "货物、服务、获客等花费，能对应到客户或订单的就对应上。",
        en: "What goods, service or acquisition cost, tied to a customer or an order where known.",
      },
      fields: [
        {
          id: "customer",
          type: "link",
          name: {
            zh: "客户",
            en: "Customer",
          },
        },
        {
          id: "order",
          type: "link",
          name: {
            zh: "订单",
            en: "Order",
          },
        },
        {
          id: "class",
          type: "choice",
          name: {
            zh: "类别",
            en: "Class",
          },
          options: [
            {
              value: "goods",
              zh: "货物成本",
              en: "Cost of goods",
            },
            {
              value: "service",
              zh: "服务成本",
              en: "Cost to serve",
            },
            {
              value: "acquisition",
              zh: "获客费用",
              en: "Acquisition",
            },
            {
              value: "other",
              zh: "其他",
              en: "Other",
            },
          ],
        },
        {
          id: "amount",
          type: "decimal",
          name: {
            zh: "金额",
            en: "Amount",
          },
          unit: "money",
        },
        {
          id: "incurred_on",
          type: "date",
          name: {
            zh: "发生日",
            en: "Incurred on",
          },
        },
        {
          id: "note",
          type: "text",
          name: {
            zh: "备注",
            en: "Note",
          },
        },
      ],
    },
    {
      id: "score",
      name: {
        zh: "评分",
        en: "Score",
      },
      about: {
        zh: "一个客户在某个评估日的全部评分，由评估写入。",
        en: "All scores of one customer as of one day, written by the evaluation.",
      },
      fields: [
        {
          id: "as_of",
          type: "date",
          name: {
            zh: "评估日",
            en: "As of",
          },
          help: {
            zh: "只看这一天之前的事实。",
            en: "Only facts before this day count.",
          },
        },
        {
          id: "customer",
          type: "link",
          name: {
            zh: "客户",
            en: "Customer",
          },
        },
        {
          id: "tier",
          type: "choice",
          name: {
            zh: "价值等级",
            en: "Value tier",
          },
          options: [
            {
              value: "vip",
              zh: "VIP 客户",
              en: "VIP",
            },
            {
              value: "potential",
              zh: "潜力客户",
              en: "Potential",
            },
            {
              value: "regular",
              zh: "普通客户",
              en: "Regular",
            },
            {
              value: "dormant",
              zh: "沉睡客户",
              en: "Dormant",
            },
          ],
        },
        {
          id: "tier_reason_zh",
          type: "text",
          name: {
            zh: "等级理由",
            en: "Tier reason (Chinese)",
          },
        },
        {
          id: "tier_reason_en",
          type: "text",
          name: {
            zh: "等级理由（英文）",
            en: "Tier reason",
          },
        },
        {
          id: "stage",
          type: "choice",
          name: {
            zh: "生命周期阶段",
            en: "Lifecycle stage",
          },
          options: [
            {
              value: "prospect",
              zh: "潜在",
              en: "Prospect",
            },
            {
              value: "lost",
              zh: "流失",
              en: "Lost",
            },
            {
              value: "won_back",
              zh: "挽回",
              en: "Won back",
            },
            {
              value: "at_risk",
              zh: "有风险",
              en: "At risk",
            },
            {
              value: "new",
              zh: "新客",
              en: "New",
            },
            {
              value: "growing",
              zh: "增长",
              en: "Growing",
            },
            {
              value: "declining",
              zh: "下滑",
              en: "Declining",
            },
            {
              value: "mature",
              zh: "成熟",
              en: "Mature",
            },
          ],
        },
        {
          id: "stage_reason_zh",
          type: "text",
          name: {
            zh: "阶段理由",
            en: "Stage reason (Chinese)",
          },
        },
        {
          id: "stage_reason_en",
          type: "text",
          name: {
            zh: "阶段理由（英文）",
            en: "Stage reason",
          },
        },
        {
          id: "first_ordered_on",
          type: "date",
          name: {
            zh: "首次购买日",
            en: "First purchase day",
          },
        },
        {
          id: "last_ordered_on",
          type: "date",
          name: {
            zh: "最近购买日",
            en: "Last purchase day",
          },
        },
        {
          id: "days_since_last",
          type: "int",
          name: {
            zh: "距上次购买天数",
            en: "Days since last purchase",
          },
          help: {
            zh: "评估日减最近购买日。",
            en: "As-of day minus last purchase day.",
          },
          unit: "days",
        },
        {
          id: "n_orders",
          type: "int",
          name: {
            zh: "订单数",
            en: "Orders",
          },
          help: {
            zh: "全部历史的销售订单数。",
            en: "Sale orders in the whole history.",
          },
          unit: "count",
        },
        {
          id: "n_purchase_days",
          type: "int",
          name: {
            zh: "购买天数",
            en: "Purchase days",
          },
          help: {
            zh: "同一天的多张订单算一次购买。",
            en: "Orders of one day are one purchase.",
          },
          unit: "count",
        },
        {
          id: "gross_sales",
          type: "decimal",
          name: {
            zh: "累计销售额",
            en: "Gross sales",
          },
          help: {
            zh: "全部历史，未减退货。",
            en: "Whole history, before returns.",
          },
          unit: "money",
        },
        {
          id: "net_revenue",
          type: "decimal",
          name: {
            zh: "累计净销售额",
            en: "Net revenue",
          },
          help: {
            zh: "全部历史，已减退货。",
            en: "Whole history, after returns.",
          },
          unit: "money",
        },
        {
          id: "net_revenue_365",
          type: "decimal",
          name: {
            zh: "近365天净销售额",
            en: "Net revenue, 365 days",
          },
          unit: "money",
        },
        {
          id: "net_revenue_180",
          type: "decimal",
          name: {
            zh: "近180天净销售额",
            en: "Net revenue, 180 days",
          },
          unit: "money",
        },
        {
          id: "net_revenue_180_before",
          type: "decimal",
          name: {
            zh: "前180天净销售额",
            en: "Net revenue, 180 days before",
          },
          unit: "money",
        },
        {
          id: "frequency_365",
          type: "int",
          name: {
            zh: "近365天购买天数",
            en: "Purchase days, 365 days",
          },
          unit: "count",
        },
        {
          id: "cycle_days",
          type: "float",
          name: {
            zh: "购买周期",
            en: "Purchase cycle",
          },
          help: {
            zh: "个人购买间隔的中位数，历史短时向全体中位数收缩（T03）。",
            en: "Median gap, pulled towards the base's median where history is short (T03).",
          },
          unit: "days",
        },
        {
          id: "silence",
          type: "float",
          name: {
            zh: "沉默倍数",
            en: "Silence",
          },
          help: {
            zh: "距上次购买天数 ÷ 购买周期。",
            en: "Days since last purchase ÷ purchase cycle.",
          },
          unit: "score",
        },
        {
          id: "next_expected_on",
          type: "date",
          name: {
            zh: "预计下次购买日",
            en: "Next expected purchase",
          },
        },
        {
          id: "next_expected_from",
          type: "date",
          name: {
            zh: "预计下次购买最早",
            en: "Next purchase, earliest",
          },
        },
        {
          id: "next_expected_to",
          type: "date",
          name: {
            zh: "预计下次购买最晚",
            en: "Next purchase, latest",
          },
        },
        {
          id: "r_reference",
          type: "int",
          name: {
            zh: "R（参照规则）",
            en: "R (reference rule)",
          },
          unit: "score",
        },
        {
          id: "f_reference",
          type: "int",
          name: {
            zh: "F（参照规则）",
            en: "F (reference rule)",
          },
          unit: "score",
        },
        {
          id: "m_reference",
          type: "int",
          name: {
            zh: "M（参照规则）",
            en: "M (reference rule)",
          },
          unit: "score",
        },
        {
          id: "r_cut",
          type: "int",
          name: {
            zh: "R（分位切点）",
            en: "R (cut points)",
          },
          unit: "score",
        },
        {
          id: "f_cut",
          type: "int",
          name: {
            zh: "F（分位切点）",
            en: "F (cut points)",
          },
          unit: "score",
        },
        {
          id: "m_cut",
          type: "int",
          name: {
            zh: "M（分位切点）",
            en: "M (cut points)",
          },
          unit: "score",
        },
        {
          id: "r_fixed",
          type: "int",
          name: {
            zh: "R（固定阈值）",
            en: "R (fixed thresholds)",
          },
          unit: "score",
        },
        {
          id: "f_fixed",
          type: "int",
          name: {
            zh: "F（固定阈值）",
            en: "F (fixed thresholds)",
          },
          unit: "score",
        },
        {
          id: "m_fixed",
          type: "int",
          name: {
            zh: "M（固定阈值）",
            en: "M (fixed thresholds)",
          },
          unit: "score",
        },
        {
          id: "p_alive",
          type: "float",
          name: {
            zh: "存活概率",
            en: "P(alive)",
          },
          unit: "score",
        },
        {
          id: "p_alive_se",
          type: "float",
          name: {
            zh: "存活概率标准误",
            en: "P(alive), standard error",
          },
          unit: "score",
        },
        {
          id: "expected_purchases_365",
          type: "float",
          name: {
            zh: "未来365天预期购买次数",
            en: "Expected purchases, next 365 days",
          },
          unit: "count",
        },
        {
          id: "expected_purchases_365_se",
          type: "float",
          name: {
            zh: "预期购买次数标准误",
            en: "Expected purchases, standard error",
          },
          unit: "count",
        },
        {
          id: "expected_spend",
          type: "decimal",
          name: {
            zh: "预期单次金额",
            en: "Expected spend per purchase",
          },
          unit: "money",
        },
        {
          id: "expected_spend_se",
          type: "decimal",
          name: {
            zh: "预期单次金额标准误",
            en: "Expected spend, standard error",
          },
          unit: "money",
        },
        {
          id: "expected_revenue_365",
          type: "decimal",
          name: {
            zh: "未来365天预期收入",
            en: "Expected revenue, next 365 days",
          },
          unit: "money",
        },
        {
          id: "clv_12m",
          type: "decimal",
          name: {
            zh: "12个月客户价值",
            en: "CLV, 12 months",
          },
          help: {
            zh: "按每月1%折现；有成本记录时为毛利，否则为收入。",
            en: "Discounted at 1 % a month; margin where costs are recorded, otherwise revenue.",
          },
          unit: "money",
        },
        {
          id: "clv_12m_se",
          type: "decimal",
          name: {
            zh: "客户价值标准误",
            en: "CLV, standard error",
          },
          unit: "money",
        },
        {
          id: "clv_basis",
          type: "choice",
          name: {
            zh: "客户价值口径",
            en: "CLV basis",
          },
          options: [
            {
              value: "margin",
              zh: "毛利",
              en: "Margin",
            },
            {
              value: "revenue",
              zh: "收入",
              en: "Revenue",
            },
          ],
        },
        {
          id: "value_at_risk",
          type: "decimal",
          name: {
            zh: "风险价值",
            en: "Value at risk",
          },
          help: {
            zh: "沉默超过1个周期时：近365天净销售额 ×（1 − 存活概率）。",
            en: "Where silent for more than one cycle: net revenue of 365 days × (1 − P(alive)).",
          },
          unit: "money",
        },
      ],
    },
  ],
  metrics: [
    {
      id: "gross_sales",
      code: "F14",
      version: 1,
      name: {
        zh: "销售额",
        en: "Gross sales",
      },
      about: {
        zh: "期间内正向明细的数量×单价之和，未减退货。",
        en: "Σ quantity × price of positive lines, before returns.",
      },
      group: "financial",
      unit: "money",
      direction: "up",
      kind: "sum",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "net_revenue",
      code: "F01",
      version: 1,
      name: {
        zh: "净销售额",
        en: "Net revenue",
      },
      about: {
        zh: "销售净额减去退货。",
        en: "Net of sales less returns.",
      },
      group: "financial",
      unit: "money",
      direction: "up",
      kind: "sum",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "average_order_value",
      code: "F04",
      version: 1,
      name: {
        zh: "客单价",
        en: "Average order value",
      },
      about: {
        zh: "平均每张销售订单的净额。",
        en: "Net amount per sale order.",
      },
      group: "financial",
      unit: "money",
      direction: "up",
      kind: "ratio",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "orders",
      code: "B14",
      version: 1,
      name: {
        zh: "订单数",
        en: "Orders",
      },
      about: {
        zh: "期间内的销售订单数。",
        en: "Sale orders in the period.",
      },
      group: "behaviour",
      unit: "count",
      direction: "up",
      kind: "sum",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "buyers",
      code: "B15",
      version: 1,
      name: {
        zh: "购买客户数",
        en: "Buyers",
      },
      about: {
        zh: "期间内至少购买一次的客户。",
        en: "Customers with at least one purchase.",
      },
      group: "behaviour",
      unit: "count",
      direction: "up",
      kind: "sum",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "new_customers",
      code: "A01",
      version: 1,
      name: {
        zh: "新客户数",
        en: "New customers",
      },
      about: {
        zh: "首次购买落在期间内的客户。",
        en: "Customers whose first purchase falls in the period.",
      },
      group: "acquisition",
      unit: "count",
      direction: "up",
      kind: "sum",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "repeat_purchase_rate",
      code: "T04",
      version: 1,
      name: {
        zh: "复购率",
        en: "Repeat purchase rate",
      },
      about: {
        zh: "365 天内购买两天以上的客户占购买客户的比例。",
        en: "Buyers with two or more purchase days, of all buyers in 365 days.",
      },
      group: "retention",
      unit: "pct",
      direction: "up",
      kind: "ratio",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "cohort_retention",
      code: "T06",
      version: 1,
      name: {
        zh: "同期群留存率",
        en: "Cohort retention",
      },
      about: {
        zh: "某月首购的客户在之后各月仍购买的比例。",
        en: "Share of a month's new customers who buy again k months later.",
      },
      group: "retention",
      unit: "pct",
      direction: "up",
      kind: "cohort",
      dimensions: ["cohort", "age"],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "churn_rate",
      code: "T03",
      version: 1,
      name: {
        zh: "两倍周期流失率",
        en: "Churn at 2× cycle",
      },
      about: {
        zh: "沉默超过两倍购买周期的客户比例。",
        en: "Customers silent for over twice their cycle.",
      },
      group: "retention",
      unit: "pct",
      direction: "down",
      kind: "ratio",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
    {
      id: "value_at_risk",
      code: "C10",
      version: 1,
      name: {
        zh: "风险价值",
        en: "Value at risk",
      },
      about: {
        zh: "沉默客户可能带走的近365天净销售额。",
        en: "Net revenue of 365 days that silent customers may take away.",
      },
      group: "value",
      unit: "money",
      direction: "down",
      kind: "sum",
      dimensions: [
        "country",
        "channel",
        "kind",
        "currency",
        "customer",
        "customer.number",
        "customer.name",
        "customer.kind",
        "customer.country",
      ],
      grain_min: "day",
      formula: "sum(order.net_amount)",
    },
  ],
  tiers: [
    {
      id: "vip",
      zh: "VIP 客户",
      en: "VIP",
      about: {
        zh: "近365天贡献最高且仍活跃",
        en: "top contribution and active",
      },
    },
    {
      id: "potential",
      zh: "潜力客户",
      en: "Potential",
      about: {
        zh: "买得勤，金额还在涨",
        en: "buys often, still growing",
      },
    },
    {
      id: "regular",
      zh: "普通客户",
      en: "Regular",
      about: {
        zh: "有购买",
        en: "buys",
      },
    },
    {
      id: "dormant",
      zh: "沉睡客户",
      en: "Dormant",
      about: {
        zh: "久未购买",
        en: "silent for long",
      },
    },
  ],
  stages: [
    {
      id: "prospect",
      zh: "潜在",
      en: "Prospect",
    },
    {
      id: "lost",
      zh: "流失",
      en: "Lost",
    },
    {
      id: "won_back",
      zh: "挽回",
      en: "Won back",
    },
    {
      id: "at_risk",
      zh: "有风险",
      en: "At risk",
    },
    {
      id: "new",
      zh: "新客",
      en: "New",
    },
    {
      id: "growing",
      zh: "增长",
      en: "Growing",
    },
    {
      id: "declining",
      zh: "下滑",
      en: "Declining",
    },
    {
      id: "mature",
      zh: "成熟",
      en: "Mature",
    },
  ],
  rfm: [
    {
      id: "reference",
      version: 1,
      name: {
        zh: "参照规则",
        en: "Reference",
      },
      about: {
        zh: "五等分，同值同分。",
        en: "Quintiles; ties share a score.",
      },
    },
    {
      id: "reference_cut",
      version: 1,
      name: {
        zh: "分位切点",
        en: "Cut points",
      },
      about: {
        zh: "切点按月冻结。",
        en: "Cut points frozen by month.",
      },
    },
    {
      id: "fixed",
      version: 1,
      name: {
        zh: "固定阈值",
        en: "Fixed thresholds",
      },
      about: {
        zh: "固定的天数、次数和金额阈值。",
        en: "Fixed days, counts and amounts.",
      },
    },
  ],
};
