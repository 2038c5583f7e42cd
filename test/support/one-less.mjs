/** A check that asks again, and takes the vote of one response of a group where the other answer differs. */
const check = ({ group, further }) => {
  if (further === undefined) return { questions: [{ text: `${group.question.text} again`, pictures: [] }], samples: 2 };
  const [again] = further[0];
  return group.samples.map(({ text }, i) =>
    i === group.sequence % group.samples.length && text !== again.text
      ? { vote: false, why: 'another answer', step: text }
      : { vote: true },
  );
};

export default { name: 'one-less', apiVersion: 1, ports: { check: () => check } };
