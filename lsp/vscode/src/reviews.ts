// What sessions changed, read when somebody looks and again when it changes.

import * as vscode from 'vscode';
import type { Server } from './server';
import type { Sessions } from './sessions';
import type { Review } from './wire';

export class Reviews implements vscode.Disposable {
  private readonly known = new Map<string, Promise<Review>>();
  private readonly read = new vscode.EventEmitter<string>();
  private readonly subscription: vscode.Disposable;

  /** A review that somebody looked at is another now. */
  readonly onRead = this.read.event;

  constructor(
    private readonly server: Server,
    sessions: Sessions,
  ) {
    this.subscription = sessions.onNews(({ sessions: touched, reviews }) => {
      const stale = touched === undefined ? [...this.known.keys()] : [...reviews].filter((id) => this.known.has(id));
      for (const id of stale) {
        this.known.delete(id);
        if (sessions.get(id)) {
          this.get(id).then(
            () => this.read.fire(id),
            // It is asked for again when somebody looks.
            () => this.known.delete(id),
          );
        }
      }
    });
  }

  get(id: string): Promise<Review> {
    const known = this.known.get(id);
    if (known) {
      return known;
    }
    const review = this.server.call<Review>('review/show', { session: id });
    this.known.set(id, review);
    review.catch(() => this.known.delete(id));
    return review;
  }

  /** Whether it was looked at in this window. */
  has(id: string): boolean {
    return this.known.has(id);
  }

  dispose(): void {
    this.subscription.dispose();
    this.read.dispose();
  }
}
