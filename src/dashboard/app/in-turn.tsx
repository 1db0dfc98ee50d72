/**
 * A part of a page that is drawn at once while it is in sight. Out of sight it waits for its turn: a few parts, a pause, the next
 * few. So a key or a click never waits for more than what is in sight and a few parts besides, however large the fleet is.
 */
import { Component, type ComponentChildren, createRef } from "preact";
import { Still } from "./parts.tsx";

interface Props {
  readonly tag: "section" | "article";
  readonly class: string;
  /** Of a section: what it is called. */
  readonly label?: string;
  readonly hidden?: boolean;
  readonly version: number | string;
  readonly draw: () => ComponentChildren;
}

/** So many at a time, and so many milliseconds until the next ones. */
const FEW = 10;
const PAUSE = 20;
/** It is drawn a little before it comes into sight. */
const NEAR = "300px";

const waiting = new Set<InTurn>();
let timer: ReturnType<typeof setTimeout> | undefined;
const plan = (): void => {
  if (timer === undefined && waiting.size > 0) timer = setTimeout(goOn, PAUSE);
};
const goOn = (): void => {
  timer = undefined;
  for (const part of [...waiting].slice(0, FEW)) part.catchUp();
  plan();
};

const parts = new WeakMap<Element, InTurn>();
const sight = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) parts.get(target)?.comesIntoSight(isIntersecting);
  },
  { rootMargin: NEAR },
);

export class InTurn extends Component<Props> {
  readonly #place = createRef<HTMLElement>();
  #isInSight = false;
  /** undefined: it was never drawn. */
  #drawn: Props["version"] | undefined;

  override componentDidMount(): void {
    const { current } = this.#place;
    if (!current) return;
    parts.set(current, this);
    sight.observe(current);
  }
  override componentWillUnmount(): void {
    waiting.delete(this);
    if (this.#place.current) sight.unobserve(this.#place.current);
  }

  comesIntoSight(isInSight: boolean): void {
    this.#isInSight = isInSight;
    if (isInSight && waiting.has(this)) this.catchUp();
  }
  catchUp(): void {
    waiting.delete(this);
    this.#drawn = this.props.version;
    this.forceUpdate();
  }

  override render({ tag: Tag, class: name, label, hidden, version, draw }: Props) {
    if (this.#isInSight || this.#drawn === undefined) {
      waiting.delete(this);
      this.#drawn = version;
    } else if (version !== this.#drawn) {
      waiting.add(this);
      plan();
    }
    return (
      <Tag ref={this.#place} class={name} aria-label={label} hidden={hidden}>
        <Still version={this.#drawn} draw={draw} />
      </Tag>
    );
  }
}
