import fc from 'fast-check'
import t from 'tap'
import { textTokens } from '../../usage/text-tokens.ts'

/** Counted with o200k_base, the vocabulary of GPT-4o and GPT-5, by js-tiktoken 1.0.21. */
const KNOWN: Readonly<Record<string, readonly [tokens: number, text: string]>> = {
  English: [51, 'The gateway asks the first healthy provider for an answer and, if that one fails, the next. The answer reaches the client token by token, while it is still being produced, and what a provider has charged for it is written down at the end.'],
  German: [52, 'Das Gateway fragt den ersten gesunden Anbieter nach einer Antwort und, wenn dieser versagt, den nächsten. Die Antwort erreicht den Aufrufer Stück für Stück, während sie noch entsteht, und am Ende wird festgehalten, was sie gekostet hat.'],
  French: [49, 'La passerelle demande une réponse au premier fournisseur qui fonctionne et, s’il échoue, au suivant. La réponse arrive chez le client mot après mot, pendant qu’elle est encore écrite, et son coût est noté à la fin.'],
  Polish: [58, 'Brama pyta o odpowiedź pierwszego sprawnego dostawcę, a jeśli ten zawiedzie, następnego. Odpowiedź dociera do klienta słowo po słowie, gdy jeszcze powstaje, a na końcu zapisuje się, ile kosztowała.'],
  Turkish: [53, 'Ağ geçidi yanıtı çalışan ilk sağlayıcıdan ister, o başarısız olursa bir sonrakine geçer. Yanıt daha üretilirken istemciye parça parça ulaşır ve sonunda ne kadara mal olduğu yazılır.'],
  Russian: [53, 'Шлюз запрашивает ответ у первого исправного поставщика, а если тот не справился, у следующего. Ответ доходит до клиента слово за словом, пока он ещё создаётся, а в конце записывается, сколько он стоил.'],
  Greek: [69, 'Η πύλη ζητά μια απάντηση από τον πρώτο πάροχο που λειτουργεί και, αν αυτός αποτύχει, από τον επόμενο. Η απάντηση φτάνει στον πελάτη λέξη προς λέξη, ενώ ακόμη γράφεται, και στο τέλος σημειώνεται πόσο κόστισε.'],
  Arabic: [48, 'تطلب البوابة الإجابة من أول مزود يعمل، وإذا فشل تنتقل إلى المزود التالي. تصل الإجابة إلى العميل كلمة بعد كلمة وهي ما زالت تُكتب، وفي النهاية يُسجل ما كلفته.'],
  Hebrew: [54, 'השער מבקש תשובה מהספק הראשון שפועל, ואם הוא נכשל, מהספק הבא. התשובה מגיעה ללקוח מילה אחר מילה בזמן שהיא עדיין נכתבת, ובסוף נרשם כמה היא עלתה.'],
  Hindi: [56, 'गेटवे पहले चालू प्रदाता से उत्तर माँगता है, और यदि वह विफल हो जाए तो अगले से। उत्तर लिखे जाते समय ही शब्द दर शब्द ग्राहक तक पहुँचता है, और अंत में यह लिखा जाता है कि उसकी लागत कितनी थी।'],
  Tamil: [57, 'நுழைவாயில் முதலில் இயங்கும் வழங்குநரிடம் பதிலைக் கேட்கிறது, அது தோல்வியுற்றால் அடுத்தவரிடம் கேட்கிறது. பதில் எழுதப்படும்போதே சொல் சொல்லாக வாடிக்கையாளரை அடைகிறது.'],
  Thai: [69, 'เกตเวย์จะขอคำตอบจากผู้ให้บริการรายแรกที่ใช้งานได้ หากล้มเหลวก็จะไปยังรายถัดไป คำตอบจะถึงผู้ใช้ทีละคำในขณะที่กำลังถูกสร้างขึ้น และตอนท้ายจะบันทึกว่ามีค่าใช้จ่ายเท่าใด'],
  Chinese: [53, '网关向第一个正常的提供商请求答案，如果失败，就转向下一个。答案在生成的同时逐字到达客户端，最后会记录下它的费用。每次尝试都有自己的记录，无论它是如何结束的。'],
  Japanese: [64, 'ゲートウェイは最初の正常なプロバイダーに回答を求め、失敗した場合は次のプロバイダーに移ります。回答は生成されながら少しずつクライアントに届き、最後にその費用が記録されます。'],
  Korean: [51, '게이트웨이는 정상인 첫 번째 제공자에게 답변을 요청하고, 실패하면 다음 제공자에게 요청합니다. 답변은 생성되는 동안 조금씩 클라이언트에 도착하고, 마지막에 그 비용이 기록됩니다.'],
  emoji: [26, '🎉🚀😀👍🏽🔥✨🙏🇩🇪❤️🥳💡📈🤖🌍'],
  code: [90, 'export function drain<T> (queue: Queue<T>): T[] {\n  const items: T[] = []\n  for (let item = queue.poll(); item !== undefined; item = queue.poll()) {\n    items.push(item)\n  }\n  return items\n}\n\nif (import.meta.main) {\n  console.log(drain(new Queue([1, 2, 3])).length === 3 ? "ok" : "not ok")\n}\n'],
  JSON: [77, '{"city":"Lisbon","days":[{"date":"2025-03-01","low":9,"high":17,"rain":false},{"date":"2025-03-02","low":10,"high":18,"rain":true}],"unit":"celsius","source":{"name":"met office","url":"https://example.com/forecast?id=4711"}}'],
  numbers: [63, '3.14159265358979, 2.71828182845905, 1.41421356237310; 2024-11-26 03:28:41; 192.168.178.255; +49 30 901820; 0x7fffffff'],
  Markdown: [87, '## Results\n\n| target | chunks | time |\n| --- | ---: | ---: |\n| gateway | 12,500 | 6.4 µs |\n| pipe | 12,500 | 5.9 µs |\n\n- **First** point: see `streams/`.\n- *Second* point, with a [link](https://example.com/a).\n\n1. Do this.\n2. Then that.\n']
}
const TOLERANCE = 0.25

t.test('text of any script, code and numbers are within a quarter of what a tokenizer counts', async t => {
  for (const [name, [tokens, text]] of Object.entries(KNOWN)) {
    const estimate = Math.round(textTokens([text]))
    t.ok(Math.abs(estimate / tokens - 1) <= TOLERANCE, `${name}: ${estimate}, not ${tokens}`)
  }
})

t.test('no text has no tokens, and any text has some', async t => {
  t.equal(textTokens([]), 0)
  t.equal(textTokens(['', '']), 0)
  fc.assert(fc.property(fc.string({ unit: 'binary', minLength: 1 }), text => {
    const tokens = textTokens([text])
    t.ok(tokens > 0 && tokens <= text.length)
  }))
})

t.test('how text is cut makes no difference', async t => {
  const text = Object.values(KNOWN).map(([, text]) => text).join('')
  t.equal(Math.round(textTokens(Array.from({ length: text.length }, (_, at) => text.charAt(at)))), Math.round(textTokens([text])))
})

t.test('of long text a part is looked at, evenly, in one piece or in many', async t => {
  const all = Object.values(KNOWN).map(([, text]) => text)
  const once = textTokens(all)
  for (const texts of [[all.join('').repeat(1000)], Array.from({ length: 1000 }, () => all).flat()]) {
    const ratio = textTokens(texts) / (1000 * once)
    t.ok(ratio > 0.95 && ratio < 1.05, `${ratio}`)
  }
})

t.test('the end of a long text counts as its beginning does', async t => {
  const ratio = textTokens(['a'.repeat(1_000_000), '漢'.repeat(1_000_000)]) / (1_000_000 * (0.2 + 0.8))
  t.ok(ratio > 0.99 && ratio < 1.01, `${ratio}`)
})
