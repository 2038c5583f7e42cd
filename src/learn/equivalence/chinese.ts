/**
 * Answers in Chinese -> English and LaTeX for the readers: numerals, units, dates, times, verdicts, phrases around an
 * answer.
 */
import { arabic, fractions, NUMERAL } from './chinese-numeral.ts';
import { MONTHS } from './words.ts';

const TRADITIONAL = '錯误誤误對对點点時时釐厘個个萬万億亿兩两無无選选為为鐘钟號号週周歲岁錢钱圓圆負负約约軸轴〇零';
const WORDS: Readonly<Record<string, string>> = {
  yes: '正确 对 是 是的 对的 正确的 能 可以',
  no: '错误 错 否 不是 不对 不正确 错的 错误的 不能 不可以',
  'no solution': '无解 方程无解 无实数解 没有解',
  undefined: '不存在 无意义 没有意义',
  'not determined': '无法确定 不能确定 不确定 无法判断',
  'all real numbers': '全体实数 任意实数 实数集 一切实数',
  'empty set': '空集',
  '\\infty': '无穷 无穷大 正无穷 正无穷大 无数 无数个 无穷多 无穷多个 无限多',
  '-\\infty': '负无穷 负无穷大',
  '1/2': '一半',
  east: '东',
  west: '西',
  south: '南',
  north: '北',
};
const WHOLE = new Map(
  Object.entries(WORDS).flatMap(([english, list]) => list.split(' ').map((word) => [word, english] as const)),
);
const DAYS = 'monday tuesday wednesday thursday friday saturday sunday'.split(' ');
const UNITS: Readonly<Record<string, string>> = {
  km: '千米 公里',
  m: '米',
  dm: '分米',
  cm: '厘米 公分',
  mm: '毫米',
  um: '微米',
  nm: '纳米',
  inches: '英寸',
  feet: '英尺',
  tonnes: '吨',
  kg: '千克 公斤',
  g: '克',
  mg: '毫克',
  mL: '毫升',
  L: '升',
  ha: '公顷',
  hours: '小时 个小时 时 时间 钟头',
  minutes: '分钟',
  seconds: '秒 秒钟',
  days: '天 日',
  weeks: '周 星期 个星期 礼拜',
  months: '个月 月',
  years: '年',
  '°': '度 度角',
  '°C': '摄氏度',
  '°F': '华氏度',
  rad: '弧度',
  yuan: '元 块 块钱 圆 人民币 日元 円',
  jiao: '角 毛 角钱',
  fen: '分钱',
  dollars: '美元',
  euros: '欧元',
  pounds: '英镑',
  N: '牛 牛顿',
  J: '焦 焦耳',
  kW: '千瓦',
  kWh: '千瓦时',
  W: '瓦 瓦特',
  kPa: '千帕',
  Pa: '帕 帕斯卡',
  V: '伏 伏特',
  A: '安 安培',
  ohm: '欧 欧姆',
  Hz: '赫兹 赫',
  mol: '摩尔',
  people: '人 个人 名 位',
  'years old': '岁',
  times: '倍',
  points: '分',
  items: '个 只 本 张 支 枝 条 棵 次 辆 件 盒 箱 瓶 杯 头 匹 朵 颗 粒 双 组 套 种 道 题 页 层',
};
const NAMES = new Map(
  Object.entries(UNITS).flatMap(([english, list]) => list.split(' ').map((name) => [name, english] as const)),
);
const NAME = [...NAMES.keys()].toSorted((a, b) => b.length - a.length).join('|');
const UNIT = `(?:平方|立方)?(?:${NAME})`;
const HAN = String.raw`\p{Script=Han}`;
const NUMBERED = new RegExp(
  `(?<![${HAN}\\d.])(负|第)?(${NUMERAL})(?=$|[^${HAN}\\d]|(?:${UNIT}|象限)(?:$|[^${HAN}]|${NUMERAL}|每|又))`,
  'gu',
);
const AFTER_UNIT = new RegExp(`(?<=\\d(?:${NAME}))(${NUMERAL})(?=${UNIT})`, 'gu');
const MEASURED = new RegExp(`(?<=[\\d})\\]!a-zA-Z]\\s*)(${UNIT})(?:\\s*(?:/|每)\\s*(${UNIT}))?(?!${HAN})`, 'gu');
const BEFORE =
  /^(?:(?:综上所述|综上|所以|因此|故|即|则|解|由此可知|可得)[,:\s]*)*(?:(?:本题|此题|最终|最后|正确|我)?的?(?:答案|选项|选择|结果|答)(?:应该|应)?(?:是|为|选)?|(?:本题|此题)?(?:应该|应)?选(?:择|项)?)?[:,\s]*(?:选项|选)?[:\s]*(?=\S)/u;
const LABEL = new RegExp(
  String.raw`^(?=[^=<>]*${HAN})[^=<>,;]*?(?:约为|约是|等于|应为|[是为有])\s*(?:约|大约)?\s*(?=[-\d\\(√$A-Z]|${NUMERAL})`,
  'u',
);

export function fromChinese(raw: string): string {
  if (!/\p{Script=Han}/u.test(raw)) return raw;
  const simple = raw.replaceAll(/\p{Script=Han}/gu, (char) => {
    const at = TRADITIONAL.indexOf(char);
    return at >= 0 && at % 2 === 0 ? (TRADITIONAL[at + 1] ?? char) : char;
  });
  const text = simple.trim().replace(/(?<=\S)\s*[.;,!]+$/, '');
  const known = WHOLE.get(text);
  if (known !== undefined) return known;
  const bare = text.replace(BEFORE, '').replace(/^([A-Z])\s*(?:(?:选项|项)?是?(?:正确|对)的?|选项|项)$/, '$1');
  return WHOLE.get(bare) ?? calendar(bare) ?? connected(measured(fractions(bare.replace(LABEL, ''))));
}

const HALVES: Readonly<Record<string, string>> = {
  上午: ' am',
  早上: ' am',
  凌晨: ' am',
  下午: ' pm',
  晚上: ' pm',
  中午: ' pm',
};

/** Dates, weekdays and times of day. */
function calendar(text: string): string | null {
  const day = /^(?:星期|周|礼拜)([一二三四五六日天])$/.exec(text)?.[1];
  if (day) return DAYS['一二三四五六日'.indexOf(day.replace('天', '日'))] ?? null;
  const [, year = '', month, date] =
    new RegExp(`^(?:([零一二三四五六七八九\\d]{4})年)?(?:(${NUMERAL})月)(?:(${NUMERAL})[日号])?$`).exec(text) ?? [];
  if (month !== undefined) {
    const name = MONTHS[Number(arabic(month)) - 1];
    return name === undefined ? null : [name, date && arabic(date), year && arabic(year)].filter(Boolean).join(' ');
  }
  const clock = new RegExp(
    `^(上午|早上|凌晨|下午|晚上|中午)?(\\d{1,2}|[一二两三四五六七八九十]{1,3})(?:点钟?|(?<=午.*|上.*|晨.*)时)(?:(半|整)|(一刻)|(三刻)|(\\d\\d)|(${NUMERAL})分)?$`,
    'u',
  ).exec(text);
  const [, before, figured, after] =
    /^(上午|早上|凌晨|下午|晚上|中午)?(\d{1,2}:\d\d)(上午|早上|凌晨|下午|晚上|中午)?$/u.exec(text) ?? [];
  if (figured !== undefined) return figured + (HALVES[before ?? after ?? ''] ?? '');
  if (!clock) return null;
  const [, half = '', hour = '', mark, quarter, three, figures, minutes] = clock;
  const minute = mark === '半' ? '30' : quarter ? '15' : three ? '45' : (figures ?? (minutes ? arabic(minutes) : '0'));
  return minute === '0' && half === ''
    ? `${arabic(hour)} o'clock`
    : `${arabic(hour)}:${minute.padStart(2, '0')}${HALVES[half] ?? ''}`;
}

/** Numerals and units. `5分` is minutes after hours, and arc minutes after degrees. */
function measured(text: string): string {
  return text
    .replace(/^(?:大约|约|共计|总共|一共|共)(?=\S)/u, '')
    .replace(/(?:左右)$/u, '')
    .replace(/^至少(?=\S)/u, 'at least ')
    .replace(/^(?:至多|最多)(?=\S)/u, 'at most ')
    .replace(/^每(小时|分钟|秒|天|时)(\d.*)$/u, '$2/$1')
    .replace(/根号\s*(\d+|[a-z])/gu, '\\sqrt{$1}')
    .replaceAll('根号', '\\sqrt ')
    .replace(/(?<=[A-Za-z])的?平方(?!\p{Script=Han})/gu, '^{2}')
    .replace(
      NUMBERED,
      (_, sign: string | undefined, n: string) => (sign === '负' ? '-' : sign === '第' ? '第' : '') + arabic(n),
    )
    .replace(AFTER_UNIT, (n) => arabic(n))
    .replace(/^负(?=\d|\\|[a-z])/u, '-')
    .replace(/(?<=时(?:\d+))分$/u, '分钟')
    .replace(/(?<=[角元毛块](?:\d+))分$/u, '分钱')
    .replace(/^第?(\d)象限$/u, 'quadrant $1')
    .replace(/^第(\d+)$/u, '$1')
    .replace(/^(\d+)成$/u, '$10%')
    .replace(/(?<=\d)[个只本张支枝条棵次辆件名位](?=\p{Script=Han}{2})/u, '')
    .replace(/(?<=度(?:\d+))分$/u, "'")
    .replace(/(?<=[\d})])比(?=[\d\\(])/gu, ':')
    .replace(
      MEASURED,
      (_, unit: string, per: string | undefined) =>
        unitName(unit) + (per === undefined ? '' : `/${unitName(per).trim()}`),
    )
    .replace(/(?<=\d(?:hours| hours))(?=\d)/g, ' ');
}

function unitName(name: string): string {
  const base = NAMES.get(name.replace(/^(?:平方|立方)/, '')) ?? name;
  if (base.startsWith('°')) return base;
  return ` ${base}${name.startsWith('平方') ? '^2' : name.startsWith('立方') ? '^3' : ''} `;
}

/** Words between, before and after names and numbers. */
function connected(text: string): string {
  return text
    .replace(/(?<![\p{Script=Han}])\s*(?:或者|或)\s*(?!\p{Script=Han})/gu, ' or ')
    .replace(/(?<![\p{Script=Han}])\s*[和与及]\s*(?!\p{Script=Han})/gu, ' and ')
    .replace(/大于或?等于|不小于/gu, '\\ge ')
    .replace(/小于或?等于|不大于/gu, '\\le ')
    .replace(/大于/gu, '>')
    .replace(/小于/gu, '<')
    .replace(/等于/gu, '=')
    .replace(/^([xyz])轴$/u, '$1 axis')
    .replace(/^(?:点|线段|直线|三角形|角|图)(?=[A-Z]{1,4}$)|(?<=^[A-Z])(?:点|图)$/gu, '')
    .trim();
}
