import { useEffect, useState } from 'preact/hooks';
import { duration, exactTime, time } from '../format.ts';

/** A point in time as local clock time; the exact time appears on hover. */
export function Time({ at }: { readonly at: number }) {
  return (
    <time dateTime={exactTime(at)} title={exactTime(at)}>
      {time(at)}
    </time>
  );
}

/** The time since `at`, updated every second. */
export function Since({ at }: { readonly at: number }) {
  const now = useSeconds();
  return <span title={`since ${time(at)}`}>{duration(Math.max(0, Math.floor((now - at) / 1000)))}</span>;
}

/** The current time in milliseconds since 1970; redraws the component every second. */
export function useSeconds(): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
