// Written by `./run.sh docs reference` from dashboard/api/messages.py: do not edit.

export interface Attribution {
  id: string;
  rank: number;
  model: string;
}

export interface BarData {
  /** A key for the listener's data in the browser's storage. */
  tag: string;
  /** Event types that change the recommendations. */
  signals: Array<string>;
  /** Event types that a private session keeps, too. */
  opinions: Array<string>;
  /** Age in milliseconds at which events that were never sent are dropped. */
  keptMs: number;
}

export interface Form {
  format: string;
  /** Media type with the codec, for `canPlayType`. */
  type: string;
  url: string;
}

export interface Gain {
  /** Decibels, also for an album without a gain. */
  track_gain?: number | null;
  /** True peak, a share of full scale: to avoid clipping. */
  track_peak?: number | null;
  /** Decibels: all tracks of the album change alike. */
  album_gain?: number | null;
  /** Largest peak of the album. */
  album_peak?: number | null;
  /** Decibels that every Opus decoder has applied already. */
  base_gain?: number | null;
}

export interface Item {
  id: string;
  title: string;
  artist: string;
  album?: string | null;
  genre?: string | null;
  /** Id for /api/covers/{cover_id}. */
  cover?: string | null;
  /** Milliseconds. */
  duration?: number | null;
  source: string;
  why?: string | null;
  score?: number | null;
  note?: string | null;
  tone?: string | null;
  /** Its number on the album. */
  number?: string | null;
  rec?: Attribution | null;
}

export interface Items {
  items: Array<Item>;
}

export interface LyricLine {
  /** Empty for a pause. */
  text: string;
  /** Milliseconds from the beginning of the track; only in lyrics with times. */
  start_ms?: number | null;
}

export interface LyricsVersion {
  /** Code of the language by ISO 639; `und` if it is not known. */
  language: string;
  /** Whether the lines have times; they are in the order of these. */
  synced: boolean;
  lines: Array<LyricLine>;
}

export interface NewQueue {
  /** The version that the player has read; 0 if none is stored. */
  version: number;
  /** The tab or app that stores the queue. */
  player: string;
  /** Place of the present song, from 0. */
  at: number;
  /** Position in the present song in milliseconds. */
  position: number;
  /** Without them, the songs stay as they are stored. */
  items?: Array<QueuedItem> | null;
}

export interface Plays {
  /** Epoch milliseconds, by the player's clock. */
  sent_at: number;
  /** Events in the player's outbox, for the metrics. */
  waiting?: number | null;
  plays: Array<{ event_id: string; track_id: string; type: "play" | "complete" | "skip" | "leave" | "like" | "dislike" | "impression" | "unlike" | "undislike" | "pause" | "seek"; ms_played: number; position_ms: number; duration_ms: number; occurred_at: number; source: "home" | "search" | "playlist" | "similar" | "radio" | "app"; recommendation_id?: string | null; rank?: number | null; model?: string | null }>;
}

export interface Queue {
  player: string;
  at: number;
  position: number;
  /** Epoch milliseconds. */
  changed_at: number;
  /** 0 if none is stored. */
  version: number;
  items: Array<StoredItem>;
}

export interface QueueVersion {
  version: number;
}

export interface QueuedItem {
  id: string;
  /** The player's name for this place in the queue. */
  key: string;
  source: "home" | "search" | "playlist" | "similar" | "radio" | "app";
  /** Whether the listener added it to the queue. */
  queued?: boolean;
  rec?: Attribution | null;
}

export interface StoredItem {
  id: string;
  title: string;
  artist: string;
  album?: string | null;
  genre?: string | null;
  /** Id for /api/covers/{cover_id}. */
  cover?: string | null;
  /** Milliseconds. */
  duration?: number | null;
  source: string;
  why?: string | null;
  score?: number | null;
  note?: string | null;
  tone?: string | null;
  /** Its number on the album. */
  number?: string | null;
  rec?: Attribution | null;
  key: string;
  queued: boolean;
}

export interface Taken {
  /** Ids of the events that Kafka has. */
  taken: Array<string>;
  /** Event id to error message. Do not send these events again. */
  refused: Record<string, string>;
}

export interface Ticket {
  /** The file itself. */
  url: string;
  /** Its media type with the codec; null if no browser plays it. */
  type: string | null;
  /** Other forms, the preferred one first. */
  forms: Array<Form>;
  gain: Gain;
  /** Epoch milliseconds. */
  expires: number;
}

export interface TrackLyrics {
  versions: Array<LyricsVersion>;
}

export interface Upcoming {
  recommendation_id: string | null;
  items: Array<Item>;
  /** Track id to `like` or `dislike`. */
  opinions: Record<string, string>;
}
