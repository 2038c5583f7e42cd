/** The recipes, by the data set that the model is made for. */
import type { BuiltIn } from '../../data/settings.ts';
import type { Recipe } from '../recipe.ts';
import { FIGURES } from './figures.ts';
import { LADDER } from './ladder.ts';

/** The model of the package that each recipe made. */
export const MADE: Readonly<Record<BuiltIn, string>> = { figures: 'models/mini', ladder: 'models/ladder' };

export const RECIPES: Readonly<Record<BuiltIn, Recipe>> = { figures: FIGURES, ladder: LADDER };
