/**
 * A question's picture in a box of fixed size, so that nothing moves when it arrives. If it cannot load, the box says
 * so.
 */
import './answers.css';
import { useEffect, useState } from 'preact/hooks';
import type { QuestionCard } from '../../../src/protocol/frames.ts';

export interface PictureProps {
  readonly question: QuestionCard;
  readonly index?: number;
  readonly size?: 's' | 'm' | 'l';
}

export function Picture({ question, index = 0, size = 'm' }: PictureProps) {
  const source = `./pictures/${encodeURIComponent(question.id)}/${index}.png`;
  const [failed, setFailed] = useState(false);
  useEffect(() => setFailed(false), [source]);
  if (question.pictures === 0) return <span class={`picture ${size} none`}>no picture</span>;
  if (failed) return <span class={`picture ${size} none`}>picture not readable</span>;
  return (
    <span class={`picture ${size}`}>
      <img
        src={source}
        alt="What the question is about"
        loading="lazy"
        decoding="async"
        onError={() => setFailed(true)}
        onLoad={crisp}
      />
    </span>
  );
}

/** All pictures of a question, large. */
export function Pictures({ question }: Pick<PictureProps, 'question'>) {
  return (
    <div class="pictures">
      {Array.from({ length: Math.max(1, question.pictures) }, (_, i) => (
        <Picture key={i} question={question} index={i} size="l" />
      ))}
    </div>
  );
}

/** Keeps the pixels of small drawings sharp; photographs are smoothed. */
function crisp(event: Event): void {
  const picture = event.currentTarget as HTMLImageElement;
  picture.classList.toggle('pixels', picture.naturalWidth < 128);
}
