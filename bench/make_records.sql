-- Customers, contacts, opportunities and touchpoints, the same on every
-- machine: $customers and so on many. Their numbers fit those of
-- make_orders.sql.
create temp macro pick(list, i, salt) as list[1 + (hash(i * 7919 + salt) % len(list))::int];
create temp table words as select
  ['上海','北京','广州','深圳','杭州','宁波','苏州','南京','武汉','成都','重庆','天津','青岛','厦门','长沙','郑州','西安','合肥','佛山','东莞'] as places,
  ['明','朗','华','瑞','恒','通','远','达','盛','泰','兴','隆','信','诚','和','嘉','宏','博','凯','鼎','金','玉','东','方','海','天','云','星','德','安'] as signs,
  ['贸易','机械','电子','纺织','食品','化工','建材','五金','医疗器械','软件','物流','包装','塑料','汽车配件','家具','农业','能源','文化','服装','仪器'] as trades,
  ['王','李','张','刘','陈','杨','赵','黄','周','吴','单','曾','解','任','华','仇','盖','查'] as surnames;
copy (
  select
    'K' || lpad(i::varchar, 8, '0') as "客户编号",
    pick(places, i, 1) || pick(signs, i, 2) || pick(signs, i, 3) || pick(signs, i, 4) || pick(trades, i, 5)
      || case when i % 3 = 0 then '（' || pick(places, i, 6) || '）' else '' end || '有限公司' as "客户名称",
    pick(places, i, 7) || (hash(i * 31) % 15)::varchar || '区' as "城市",
    '1' || lpad((hash(i * 13) % 10000000000)::varchar, 10, '0') as "电话",
    pick(trades, i, 8) as "行业",
    'u' || (hash(i * 47) % 20)::varchar as "负责人"
  from range($customers) as t(i), words
) to '$folder/customers.csv' (header, delimiter ',');
copy (
  select
    pick(surnames, i, 11) || pick(signs, i, 12) || pick(signs, i, 13) as "姓名",
    'K' || lpad((hash(i * 17) % $customers)::varchar, 8, '0') as "客户编号",
    '1' || lpad((hash(i * 19) % 10000000000)::varchar, 10, '0') as "手机",
    'u' || i || '@example.com' as "邮箱"
  from range($contacts) as t(i), words
) to '$folder/contacts.csv' (header, delimiter ',');
copy (
  select
    'O' || lpad(i::varchar, 8, '0') as "商机编号",
    pick(signs, i, 21) || pick(signs, i, 22) || pick(trades, i, 23) || '项目' || i as "商机名称",
    'K' || lpad((hash(i * 23) % $customers)::varchar, 8, '0') as "客户编号",
    pick(['线索','验证','方案','报价','谈判','赢单','输单'], i, 24) as "销售阶段",
    round(1000 + (hash(i * 29) % 100000000) / 100.0, 2) as "预计金额",
    strftime(date '2024-01-01' + (hash(i * 37) % 730)::int, '%Y-%m-%d') as "创建日期"
  from range($opportunities) as t(i), words
) to '$folder/opportunities.csv' (header, delimiter ',');
copy (
  select
    'K' || lpad((hash(i * 41) % $customers)::varchar, 8, '0') as "客户编号",
    pick(['电话','拜访','会议','邮件'], i, 31) as "跟进方式",
    strftime(date '2024-01-01' + (hash(i * 43) % 730)::int, '%Y-%m-%d') as "跟进日期",
    pick(['报价','样品','交期','付款','合同','回访'], i, 32) || pick(trades, i, 33) || pick(['沟通','确认','跟进','会议'], i, 34) as "主题"
  from range($touchpoints) as t(i), words
) to '$folder/touchpoints.csv' (header, delimiter ',');
