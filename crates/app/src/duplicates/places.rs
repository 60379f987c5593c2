//! Provinces and cities of China, as they stand before or within the names of
//! companies. Without counties: those are too many to be told from a name.

use std::collections::HashMap;
use std::sync::LazyLock;

use super::names::usual_sound;

const PROVINCES: &str = "北京 天津 上海 重庆 河北 山西 辽宁 吉林 黑龙江 江苏 浙江 安徽 福建 \
    江西 山东 河南 湖北 湖南 广东 海南 四川 贵州 云南 陕西 甘肃 青海 台湾 内蒙古 广西 西藏 \
    宁夏 新疆 香港 澳门";

const CITIES: &str = "石家庄 唐山 秦皇岛 邯郸 邢台 保定 张家口 承德 沧州 廊坊 衡水 太原 大同 \
    阳泉 长治 晋城 朔州 晋中 运城 忻州 临汾 吕梁 呼和浩特 包头 乌海 赤峰 通辽 鄂尔多斯 \
    呼伦贝尔 巴彦淖尔 乌兰察布 沈阳 大连 鞍山 抚顺 本溪 丹东 锦州 营口 阜新 辽阳 盘锦 铁岭 \
    朝阳 葫芦岛 长春 四平 辽源 通化 白山 松原 白城 延边 哈尔滨 齐齐哈尔 鸡西 鹤岗 双鸭山 大庆 \
    伊春 佳木斯 七台河 牡丹江 黑河 绥化 南京 无锡 徐州 常州 苏州 南通 连云港 淮安 盐城 扬州 \
    镇江 泰州 宿迁 昆山 江阴 张家港 常熟 太仓 杭州 宁波 温州 嘉兴 湖州 绍兴 金华 衢州 舟山 \
    台州 丽水 义乌 慈溪 余姚 合肥 芜湖 蚌埠 淮南 马鞍山 淮北 铜陵 安庆 黄山 滁州 阜阳 宿州 \
    六安 亳州 池州 宣城 福州 厦门 莆田 三明 泉州 漳州 南平 龙岩 宁德 晋江 石狮 南昌 景德镇 \
    萍乡 九江 新余 鹰潭 赣州 吉安 宜春 抚州 上饶 济南 青岛 淄博 枣庄 东营 烟台 潍坊 济宁 泰安 \
    威海 日照 临沂 德州 聊城 滨州 菏泽 郑州 开封 洛阳 平顶山 安阳 鹤壁 新乡 焦作 濮阳 许昌 \
    漯河 三门峡 南阳 商丘 信阳 周口 驻马店 济源 武汉 黄石 十堰 宜昌 襄阳 鄂州 荆门 孝感 荆州 \
    黄冈 咸宁 随州 恩施 长沙 株洲 湘潭 衡阳 邵阳 岳阳 常德 张家界 益阳 郴州 永州 怀化 娄底 \
    湘西 广州 韶关 深圳 珠海 汕头 佛山 江门 湛江 茂名 肇庆 惠州 梅州 汕尾 河源 阳江 清远 东莞 \
    中山 潮州 揭阳 云浮 顺德 南宁 柳州 桂林 梧州 北海 防城港 钦州 贵港 玉林 百色 贺州 河池 \
    来宾 崇左 海口 三亚 儋州 成都 自贡 攀枝花 泸州 德阳 绵阳 广元 遂宁 内江 乐山 南充 眉山 \
    宜宾 广安 达州 雅安 巴中 资阳 贵阳 六盘水 遵义 安顺 毕节 铜仁 昆明 曲靖 玉溪 保山 昭通 \
    丽江 普洱 临沧 大理 楚雄 红河 拉萨 日喀则 西安 铜川 宝鸡 咸阳 渭南 延安 汉中 榆林 安康 \
    商洛 兰州 嘉峪关 金昌 白银 天水 武威 张掖 平凉 酒泉 庆阳 定西 陇南 西宁 海东 银川 石嘴山 \
    吴忠 固原 中卫 乌鲁木齐 克拉玛依 吐鲁番 哈密 台北 高雄";

/// Behind the name of a place.
const KINDS: [&str; 5] = ["特别行政区", "自治区", "自治州", "省", "市"];

struct Known {
    /// Place, and whether it is a province.
    written: HashMap<&'static str, bool>,
    spelt: Vec<(String, &'static str)>,
    /// Characters of the longest.
    longest: usize,
}

static KNOWN: LazyLock<Known> = LazyLock::new(|| {
    let provinces = PROVINCES.split_whitespace().map(|place| (place, true));
    let cities = CITIES.split_whitespace().map(|place| (place, false));
    let written: HashMap<_, _> = cities.chain(provinces).collect();
    let mut spelt: Vec<_> = written.keys().map(|place| (sound(place), *place)).collect();
    // The longest first, and always the same of two that sound alike.
    spelt.sort_by(|a, b| (b.0.len(), &a.0, a.1).cmp(&(a.0.len(), &b.0, b.1)));
    let longest = written.keys().map(|place| place.chars().count()).max();
    Known {
        longest: longest.unwrap_or_default(),
        written,
        spelt,
    }
});

/// Places that do not sound as their characters usually do.
const SOUNDS: [(&str, &str); 14] = [
    ("重庆", "chongqing"),
    ("黑龙江", "heilongjiang"),
    ("西藏", "xizang"),
    ("沈阳", "shenyang"),
    ("长治", "changzhi"),
    ("长春", "changchun"),
    ("长沙", "changsha"),
    ("朝阳", "chaoyang"),
    ("蚌埠", "bengbu"),
    ("六安", "luan"),
    ("厦门", "xiamen"),
    ("东莞", "dongguan"),
    ("成都", "chengdu"),
    ("乐山", "leshan"),
];

/// One way only: a second one, such as `yueshan` for 乐山, is the beginning of
/// other names.
fn sound(place: &str) -> String {
    let own = SOUNDS.iter().find(|(known, _)| *known == place);
    own.map_or_else(|| usual_sound(place), |(_, sound)| (*sound).to_owned())
}

/// Provinces that are a city.
const ALONE: [&str; 6] = ["北京", "上海", "天津", "重庆", "香港", "澳门"];

/// Characters that are left of a name at least, or the place is its name.
const LEFT: usize = 2;

/// The place that the whole text is.
pub(super) fn whole(text: &str) -> Option<&'static str> {
    let (place, rest) = first(text)?;
    if rest.is_empty() {
        return Some(place);
    }
    let (city, rest) = first(rest)?;
    rest.is_empty().then_some(city)
}

/// The narrowest place at the beginning of a name, and what is behind.
pub(super) fn prefix(text: &str) -> (Option<&'static str>, &str) {
    let is_left = |rest: &str| rest.chars().count() >= LEFT;
    let Some((place, rest)) = first(text).filter(|(_, rest)| is_left(rest)) else {
        return (None, text);
    };
    // A city behind its province; behind a city it is the name, as in
    // 上海安康食品.
    let holds_cities = is_province(place);
    match first(rest).filter(|(city, rest)| holds_cities && !is_province(city) && is_left(rest)) {
        Some((city, rest)) => (Some(city), rest),
        None => (Some(place), rest),
    }
}

fn first(text: &str) -> Option<(&'static str, &str)> {
    let ends: Vec<usize> = (text.char_indices())
        .map(|(at, c)| at + c.len_utf8())
        .take(KNOWN.longest)
        .collect();
    for end in ends.into_iter().rev() {
        let Some((place, _)) = KNOWN.written.get_key_value(&text[..end]) else {
            continue;
        };
        let rest = &text[end..];
        let kind = KINDS.iter().find_map(|kind| rest.strip_prefix(kind));
        return Some((place, kind.unwrap_or(rest)));
    }
    None
}

/// The same of a name in Latin letters without spaces.
pub(super) fn spelt_prefix(text: &str) -> (Option<&'static str>, &str) {
    for (spelt, place) in &KNOWN.spelt {
        if let Some(rest) = text.strip_prefix(spelt.as_str()) {
            let rest = rest
                .strip_prefix("shi")
                .filter(|r| r.len() >= 4)
                .unwrap_or(rest);
            if rest.len() >= 4 {
                return (Some(place), rest);
            }
        }
    }
    (None, text)
}

/// A field that names a place, without province, city and the like behind it.
pub(super) fn place(text: &str) -> Option<String> {
    let text: String = (super::names::half_width(text).to_lowercase().chars())
        .filter(|c| c.is_alphanumeric())
        .collect();
    if let Some(place) = whole(&text) {
        return Some(place.to_owned());
    }
    (!text.is_empty()).then_some(text)
}

/// Whether the place is a province, which holds cities of other names. One
/// that is a city itself is another place than every other city.
pub(super) fn is_province(place: &str) -> bool {
    !ALONE.contains(&place) && KNOWN.written.get(place).copied().unwrap_or(false)
}
