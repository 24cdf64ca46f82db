// The board's own words in both languages, and how it writes numbers, times and spans.

const WORDS = {
  en: {
    title: "Complaints board", skip: "Skip to the ledger", languages: "Language", signOut: "Sign out",
    live: "Live", reconnecting: "Reconnecting …", connecting: "Connecting …",
    numbers: "Key figures", open: "Open", overdue: "Overdue", dueToday: "Due today", received: "Received this month",
    onTime: "On time", satisfaction: "Satisfaction", thisMonth: "this month", stillRunning: "not closed yet",
    clockRanOut: "a clock has run out", today: "the rest of the day",
    inTimeOf: (part, whole) => `${part} of ${whole} clocks, this month`,
    noneJudged: "no clock has ended this month", noAnswers: "no answers yet",
    answersOf: (part, whole) => `${part} of ${whole} answered, this month`, closedOf: (n) => `${n} of them closed`,
    urgent: "Overdue and due soon", dueSoon: "Due next", nothingOverdue: "Nothing is overdue.", nothingDue: "Nothing falls due.",
    late: (span) => `${span} late`, left: (span) => `${span} left`,
    stages: "Open, by stage", nothingOpen: "Nothing is open.",
    trends: "Warnings", noTrends: "Nothing out of the ordinary.", signalled: (at) => `since ${at}`,
    observed: (n, usual) => `${n} complaints where ${usual} are usual`, evidence: (n) => `Show the ${n} complaints`,
    kinds: { product: "Product", batch: "Batch", department: "Department", nature: "Nature", cause: "Cause" },
    forecast: "Falls due in 14 days", day: "Day", due: "Due", dueOn: (n, day) => `${day}: ${n} due`,
    months: "Month by month", month: "Month", receivedClosed: "Received, and closed of them", receivedShort: "Received",
    closedShort: "Closed", onTimeRate: "Clocks kept", medianResolve: "Median time to resolve",
    meanScore: "Satisfaction, 0 to 10, with its 95 % interval", scoreShort: "Satisfaction", asTable: "As a table",
    report: "Report", reportOf: (month) => `Printable report, ${month}`, noMonths: "No complaints yet.",
    holders: "Who holds what", holding: { desk: "Service desk", customer: "The customer", department: "Department", handler: "Handler" }, holder: "Held by", department: "Department", handler: "Handler", openOnes: "Open", overdueOnes: "Overdue",
    oldest: "Oldest since", noHolders: "Nobody holds anything.",
    ledger: "Ledger", filters: "Narrow the ledger", apply: "Search", clear: "Clear all", any: "any",
    remove: (what) => `Remove filter ${what}`, yes: "yes", no: "no", csv: "CSV", xlsx: "Excel",
    names: {
      stage: "Stage", outcome: "Outcome", number: "Number", pack: "Policy pack", class: "Class", grade: "Grade",
      department: "Department", handler: "Handler", product: "Product", batch: "Batch", model: "Model", channel: "Channel",
      overdue: "Deadline", open: "Handling", cause: "Cause", group: "Customer group", due_from: "Due from", due_before: "Due before",
      registered_from: "Registered from", registered_to: "Registered before", closed_from: "Closed from", closed_to: "Closed before",
      holder: "Held by", unknown: "Not known", score_from: "Score from", score_to: "Score to", text: "Words", lead: "Lead", month: "Month",
    },
    openOrNot: { true: "open", false: "closed" }, overdueOrNot: { true: "overdue", false: "in time" },
    ledgerCaption: "Complaints that match the filters", since: "Since", registered: "Registered", clock: "Clock",
    newestFirst: "Sort by registration, newest first", dueFirst: "Sort by due time, most pressing first",
    empty: "No complaint matches.", loading: "Loading …", shown: (n, more) => `${n}${more ? " and more" : ""} shown`,
    counted: (n) => (n === 1 ? "1 complaint" : `${number(n, "en")} complaints`),
    changed: (n) => (n === 1 ? "1 complaint has changed" : `${n} complaints have changed`),
    next: "Next page", previous: "Previous page", page: (n) => `Page ${n}`,
    views: "Saved views", noViews: "None yet.", save: "Save this view", viewName: "Name", shared: "for everybody",
    sharedShort: "shared", deleteView: (name) => `Delete the view ${name}`,
    close: "Close", steps: "Possible now", noSteps: "Nothing, for you.", asked: (what) => `first: ${what}`,
    clocks: "Clocks", noClocks: "None runs.", timeline: "Timeline", why: "Why it has this grade", heldBack: "Waits for",
    lacking: "Still missing", score: "Score", cycle: "Round", measure: "Solution", cause: "Cause", ended: "Closed",
    after: (span) => `+${span}`,
    failed: "This part cannot be shown now.", retry: "Try again", unknown: "not known yet",
    units: [["d", 86400], ["h", 3600], ["min", 60], ["s", 1]],
  },
  "zh-CN": {
    title: "投诉看板", skip: "跳到台账", languages: "语言", signOut: "退出登录",
    live: "实时", reconnecting: "正在重新连接…", connecting: "正在连接…",
    numbers: "关键数字", open: "未结", overdue: "超时", dueToday: "今日到期", received: "本月新收",
    onTime: "按时率", satisfaction: "满意度", thisMonth: "本月", stillRunning: "尚未结案",
    clockRanOut: "有时限已过", today: "今日剩余时间内",
    inTimeOf: (part, whole) => `本月 ${whole} 项时限中 ${part} 项按时`,
    noneJudged: "本月尚无到期时限", noAnswers: "尚无回访答复",
    answersOf: (part, whole) => `本月回访 ${whole} 件，答复 ${part} 件`, closedOf: (n) => `其中 ${n} 件已结案`,
    urgent: "超时与即将到期", dueSoon: "即将到期", nothingOverdue: "没有超时的投诉。", nothingDue: "没有即将到期的投诉。",
    late: (span) => `已超 ${span}`, left: (span) => `还剩 ${span}`,
    stages: "未结投诉所处阶段", nothingOpen: "没有未结投诉。",
    trends: "预警", noTrends: "未见异常。", signalled: (at) => `自 ${at} 起`,
    observed: (n, usual) => `${n} 件投诉，通常为 ${usual} 件`, evidence: (n) => `查看这 ${n} 件投诉`,
    kinds: { product: "产品", batch: "批次", department: "部门", nature: "同类性质", cause: "原因" },
    forecast: "未来 14 天到期", day: "日期", due: "到期", dueOn: (n, day) => `${day}：${n} 件到期`,
    months: "逐月统计", month: "月份", receivedClosed: "新收投诉及其中已结案", receivedShort: "新收",
    closedShort: "已结案", onTimeRate: "时限按时率", medianResolve: "办结用时中位数",
    meanScore: "满意度（0 至 10 分）及 95% 区间", scoreShort: "满意度", asTable: "以表格查看",
    report: "报告", reportOf: (month) => `${month} 可打印报告`, noMonths: "尚无投诉。",
    holders: "在办分布", holding: { desk: "服务台", customer: "客户", department: "部门", handler: "经办人" }, holder: "持有方", department: "部门", handler: "经办人", openOnes: "未结", overdueOnes: "超时",
    oldest: "最早始于", noHolders: "无人持有在办投诉。",
    ledger: "跟踪台账", filters: "筛选台账", apply: "查找", clear: "全部清除", any: "不限",
    remove: (what) => `移除筛选条件 ${what}`, yes: "是", no: "否", csv: "CSV", xlsx: "Excel",
    names: {
      stage: "阶段", outcome: "办理结果", number: "受理编号", pack: "制度包", class: "类别", grade: "等级",
      department: "部门", handler: "经办人", product: "产品", batch: "批次", model: "型号", channel: "渠道",
      overdue: "时限", open: "办理状态", cause: "原因", group: "客户群", due_from: "到期不早于", due_before: "到期早于",
      registered_from: "登记不早于", registered_to: "登记早于", closed_from: "结案不早于", closed_to: "结案早于",
      holder: "持有方", unknown: "尚不明确", score_from: "评分不低于", score_to: "评分不高于", text: "关键词", lead: "牵头部门", month: "月份",
    },
    openOrNot: { true: "未结", false: "已结" }, overdueOrNot: { true: "超时", false: "未超时" },
    ledgerCaption: "符合筛选条件的投诉", since: "始于", registered: "登记时间", clock: "时限",
    newestFirst: "按登记时间排序，最新在前", dueFirst: "按到期时间排序，最急在前",
    empty: "没有符合条件的投诉。", loading: "加载中…", shown: (n, more) => `显示 ${n} 件${more ? "，还有更多" : ""}`,
    counted: (n) => `共 ${number(n, "zh-CN")} 件投诉`,
    changed: (n) => `${n} 件投诉有变化`,
    next: "下一页", previous: "上一页", page: (n) => `第 ${n} 页`,
    views: "已存视图", noViews: "暂无。", save: "保存此视图", viewName: "名称", shared: "所有人可用",
    sharedShort: "共享", deleteView: (name) => `删除视图 ${name}`,
    close: "关闭", steps: "现在可做", noSteps: "您目前没有可做的步骤。", asked: (what) => `需先具备：${what}`,
    clocks: "时限", noClocks: "没有正在计时的时限。", timeline: "办理经过", why: "定级依据", heldBack: "等待",
    lacking: "尚缺", score: "评分", cycle: "轮次", measure: "处理方案", cause: "原因", ended: "结案时间",
    after: (span) => `+${span}`,
    failed: "此部分暂时无法显示。", retry: "重试", unknown: "尚不明确",
    units: [["天", 86400], ["小时", 3600], ["分钟", 60], ["秒", 1]],
  },
};
const LANGUAGES = Object.keys(WORDS);
let language = LANGUAGES[0];

/** The words of the language in use. */
export let words = WORDS[language];

export function speak(wanted) {
  language = LANGUAGES.includes(wanted) ? wanted : LANGUAGES[0];
  words = WORDS[language];
  document.documentElement.lang = language;
}

export const spoken = () => language;

/** A title in the language in use, of titles by language. */
export const titled = (titles) => titles?.[language] ?? titles?.en;

export function number(value, of = language, digits = 0) {
  const fixed = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  return value === null || value === undefined ? "–" : new Intl.NumberFormat(of, fixed).format(value);
}

export const decimal = (value) => number(value, language, 1);

export function percent(rate) {
  if (rate === null || rate === undefined) return "–";
  return new Intl.NumberFormat(language, { style: "percent", maximumFractionDigits: rate > 0.995 && rate < 1 ? 1 : 0 }).format(rate);
}

/** A span of seconds by its two largest units: "3 d 4 h". */
export function span(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  let rest = Math.abs(seconds);
  if (rest < 1) return `${decimal(rest)} ${words.units.at(-1)[0]}`;
  const first = words.units.findIndex(([, size]) => rest >= size);
  const parts = [];
  for (const [unit, size] of words.units.slice(first, first + 2)) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count) parts.push(`${number(count)} ${unit}`);
  }
  return parts.join(" ");
}

export function moment(instant) {
  const form = { year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", hour12: false };
  return instant ? new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, form).format(new Date(instant)) : "–";
}

/** The day on which an instant lies here. */
export function date(instant) {
  const form = { year: "numeric", month: "2-digit", day: "2-digit" };
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, form).format(new Date(instant));
}

/** A day of the calendar, given as 2026-11-23: it is the same day wherever it is read. */
export function day(date, form = { month: "short", day: "numeric" }) {
  return new Intl.DateTimeFormat(language === "en" ? "en-GB" : language, { ...form, timeZone: "UTC" }).format(new Date(`${date}T00:00:00Z`));
}

export const month = (name) => day(`${name}-01`, { year: "numeric", month: "long" });
export const shortMonth = (name) => day(`${name}-01`, { month: language === "en" ? "short" : "numeric" });
