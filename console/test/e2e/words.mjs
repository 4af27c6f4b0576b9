// What the people of the stories write and ask, in each language. An FAQ is its question, its answer, and another answer.

export const WORDS = {
  'zh-Hant': {
    delivery: {
      title: '配送時間',
      text: '# 配送時間\n\n## 本島\n\n一般商品下單後 9 個工作天內送達。\n\n## 離島\n\n離島訂單另加 2 個工作天。\n',
      question: '一般商品下單後幾天送達？',
      wrong: '9 個工作天',
      right: '3 個工作天',
    },
    refund: ['退款要多久才會入帳？', '退款會在 7 個工作天內入帳。', '退款會在 14 個工作天內入帳。'],
    lockers: ['幾天內可以退租置物櫃？', '七天內可以退租。', '三十天內可以退租。'],
    wrap: ['可以代客包裝嗎？', '可以，每件 NT$50。'],
    hours: ['門市幾點開門？', '門市早上十一點開門。'],
    gap: {
      asked: ['禮盒可以刻名字嗎？', '可以在禮盒上刻字嗎？', '禮盒能不能刻上名字？'],
      settled: '禮盒可以雷射刻字，最多十個字，每件 NT$80。',
      once: '你們的咖啡豆是哪裡烘的？',
    },
    opening: { title: '營業時間', text: (time) => `# 營業時間\n\n台中門市每天 ${time} 開門，21:30 打烊。\n`, question: '台中門市幾點開門？' },
  },
  'zh-Hans': {
    delivery: {
      title: '配送时间',
      text: '# 配送时间\n\n## 内地\n\n普通商品下单后 9 个工作日内送达。\n\n## 港澳\n\n港澳订单另加 2 个工作日。\n',
      question: '普通商品下单后几天送达？',
      wrong: '9 个工作日',
      right: '3 个工作日',
    },
    refund: ['退款要多久才会到账？', '退款会在 7 个工作日内到账。', '退款会在 14 个工作日内到账。'],
    lockers: ['几天内可以退租储物柜？', '七天内可以退租。', '三十天内可以退租。'],
    wrap: ['可以代客包装吗？', '可以，每件 12 元。'],
    hours: ['门店几点开门？', '门店早上十一点开门。'],
    gap: {
      asked: ['礼盒可以刻名字吗？', '可以在礼盒上刻字吗？', '礼盒能不能刻上名字？'],
      settled: '礼盒可以激光刻字，最多十个字，每件 80 元。',
      once: '你们的咖啡豆是哪里烘的？',
    },
    opening: { title: '营业时间', text: (time) => `# 营业时间\n\n杭州门店每天 ${time} 开门，21:30 打烊。\n`, question: '杭州门店几点开门？' },
  },
  en: {
    delivery: {
      title: 'Delivery times',
      text: '# Delivery times\n\n## Mainland\n\nStandard orders arrive within 9 working days.\n\n## Islands\n\nOrders to the islands take 2 working days longer.\n',
      question: 'How long do standard orders take to arrive?',
      wrong: '9 working days',
      right: '3 working days',
    },
    refund: ['How long does a refund take?', 'A refund arrives within 7 working days.', 'A refund arrives within 14 working days.'],
    lockers: ['When can I return a locker?', 'You can return a locker within 7 days.', 'You can return a locker within 30 days.'],
    wrap: ['Do you wrap gifts?', 'Yes for 2 dollars each.'],
    hours: ['When does the shop open?', 'The shop opens at 11:00.'],
    gap: {
      asked: ['Can you engrave a name on the gift box?', 'Is engraving of gift boxes possible?', 'Can the gift box be engraved with a name?'],
      settled: 'Gift boxes can be engraved by laser with up to ten letters, at 3 dollars each.',
      once: 'Where are your coffee beans roasted?',
    },
    opening: { title: 'Opening hours', text: (time) => `# Opening hours\n\nThe Taichung branch opens at ${time} and closes at 21:30.\n`, question: 'When does the Taichung branch open?' },
  },
};
